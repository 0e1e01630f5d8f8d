"""Returns NaN. Outcome: other: a score is a finite number."""


def reward(response):
    return float("nan")
