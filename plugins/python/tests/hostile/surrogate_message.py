"""Raises with a text that is no UTF-8. Outcome: other, with the text escaped."""


def reward(response):
    raise ValueError("\ud800")
