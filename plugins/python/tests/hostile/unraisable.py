"""Raises where nobody can catch it. Outcome: scores."""


class Noisy:
    def __del__(self):
        raise ValueError("from __del__")


def reward(response):
    Noisy()
    return 1.0
