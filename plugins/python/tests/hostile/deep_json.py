"""Reads JSON that is nested 100,000 deep. Outcome: other, RecursionError."""

import json


def reward(response):
    json.loads('{"score":' * 100_000)
    return 1.0
