"""Returns a number beyond all floats. Outcome: other: no finite number."""


def reward(response):
    return 10**400
