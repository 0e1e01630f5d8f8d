"""Ends the process without clean-up. Outcome: other, Forbidden."""

import os


def reward(response):
    os._exit(0)
