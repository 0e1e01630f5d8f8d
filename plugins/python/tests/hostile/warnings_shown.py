"""Warns. Outcome: scores, and the warning in the log."""

import warnings


def reward(response):
    warnings.warn("be careful")
    return 1.0
