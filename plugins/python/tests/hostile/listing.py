"""Lists a directory. Outcome: other, Forbidden."""

import os


def reward(response):
    return float(len(os.listdir("/")))
