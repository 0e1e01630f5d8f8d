"""Reads JSON that is closed properly and nested 20,000 deep. Outcome: other, RecursionError."""

import json


def reward(response):
    json.loads("[" * 20_000 + "]" * 20_000)
    return 1.0
