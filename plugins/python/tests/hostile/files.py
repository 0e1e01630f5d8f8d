"""Reads a file of the machine. Outcome: other, Forbidden, which names the file."""


def reward(response):
    return float(len(open("/etc/passwd").read()))
