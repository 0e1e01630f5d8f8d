"""Ends the process. Outcome: other, SystemExit."""

import sys


def reward(response):
    sys.exit(0)
