"""A reward function as training scripts have it: the last boxed answer is the reference."""

import re


def reward(prompt, response, reference) -> float:
    """1 where the last \\boxed{} holds the reference, else 0."""
    boxes = re.findall(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}", response)
    return 1.0 if boxes and boxes[-1].strip() == reference.strip() else 0.0
