"""Waits for a clock that stands still. Outcome: fuel."""

import time


def reward(response):
    end = time.time() + 1
    while time.time() < end:
        pass
    return 1.0
