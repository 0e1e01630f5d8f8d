"""Starts a thread. Outcome: other, RuntimeError."""

import threading


def reward(response):
    threading.Thread(target=print).start()
    return 1.0
