"""Writes a file. Outcome: other, Forbidden."""

from pathlib import Path


def reward(response):
    Path("/tmp/out").write_text(response)
    return 1.0
