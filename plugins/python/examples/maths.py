"""math-verify as many training scripts have it; runs in the runtime `python-maths`."""

from math_verify import parse, verify


def reward(prompt, response, reference):
    """1 where math-verify holds the answer to be the reference."""
    gold = parse("$" + reference + "$")
    return 1.0 if verify(gold, parse(response)) else 0.0
