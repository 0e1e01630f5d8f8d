"""Raises a signal. Outcome: other, Forbidden."""

import signal


def reward(response):
    signal.raise_signal(signal.SIGTERM)
    return 1.0
