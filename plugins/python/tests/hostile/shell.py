"""Runs a command. Outcome: other, by name."""

import os


def reward(response):
    return float(os.system(response))
