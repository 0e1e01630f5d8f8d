"""Prints, and abstains with, a text that is no UTF-8. Outcome: scores: the text is escaped."""

import json

from rewarden_plugin import Abstain


def reward(response):
    text = json.loads('"\\ud800"')
    print(text)
    raise Abstain(text)
