"""Backtracks for ever. Outcome: fuel."""

import re


def reward(response):
    return float(bool(re.search(r"(a+)+$", "a" * 40 + "b")))
