"""Pickles a list that is nested deep. Outcome: other, RecursionError; or trap, the call stack exhausted."""

import pickle


def reward(response):
    nested = []
    for _ in range(50_000):
        nested = [nested]
    return float(len(pickle.dumps(nested)))
