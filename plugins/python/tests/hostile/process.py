"""Starts a process. Outcome: other, by name."""

import subprocess


def reward(response):
    return float(subprocess.run(["true"]).returncode == 0)
