"""Raises the recursion limit and calls itself for ever. Outcome: memory, fuel or other (MemoryError)."""

import sys


def reward(response):
    sys.setrecursionlimit(10**9)
    return reward(response)
