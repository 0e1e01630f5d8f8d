"""Compares lists that are nested deep. Outcome: other, RecursionError; or trap, the call stack exhausted."""


def reward(response):
    one, other = [], []
    for _ in range(50_000):
        one, other = [one], [other]
    return float(one == other)
