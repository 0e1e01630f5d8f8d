"""Fetches a page. Outcome: other, by name."""

import urllib.request


def reward(response):
    return float(len(urllib.request.urlopen("http://127.0.0.1/").read()))
