"""Raises an exception with a message of ten megabytes. Outcome: other, with a message of some 300 characters."""


def reward(response):
    raise ValueError("y" * 10_000_000)
