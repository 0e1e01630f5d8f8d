"""Shows a list that is nested 100,000 deep. Outcome: other, RecursionError; or trap, the call stack exhausted."""


def reward(response):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return float(len(repr(nested)))
