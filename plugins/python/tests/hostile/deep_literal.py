"""Reads a Python literal that is nested deep. Outcome: other."""

import ast


def reward(response):
    ast.literal_eval("-" * 50_000 + "1")
    return 1.0
