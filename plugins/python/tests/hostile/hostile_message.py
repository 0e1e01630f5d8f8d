"""Raises an exception whose text raises. Outcome: other, by type."""


class Hostile(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def reward(response):
    raise Hostile
