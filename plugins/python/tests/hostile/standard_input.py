"""Asks the terminal. Outcome: other, Forbidden."""


def reward(response):
    return float(input("score? "))
