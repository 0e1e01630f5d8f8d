"""Returns a text. Outcome: other: expected a number."""


def reward(response):
    return "1.0"
