"""Calls itself for ever. Outcome: other, RecursionError."""


def reward(response):
    return reward(response)
