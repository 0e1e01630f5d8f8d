"""Reads XML that is nested deep. Outcome: scores, other, fuel; or trap, the call stack exhausted."""

import xml.etree.ElementTree as tree


def reward(response):
    return float(len(tree.fromstring("<a>" * 20_000 + "</a>" * 20_000)))
