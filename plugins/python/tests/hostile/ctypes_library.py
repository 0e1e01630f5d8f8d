"""Loads a native library. Outcome: other, Forbidden, which names ctypes.CDLL."""

import ctypes


def reward(response):
    return float(ctypes.CDLL("libc.so.6").getpid())
