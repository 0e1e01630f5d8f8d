"""The boxed answer against the ground truth, in the form of TRL's documentation for a data set with a column `ground_truth`."""

import re


def reward_func(completions, ground_truth, **kwargs):
    """1 where the last boxed text is the ground truth, else 0."""
    contents = [re.findall(r"\\boxed\{(.*?)\}", completion) for completion in completions]
    return [1.0 if found and found[-1] == truth else 0.0 for found, truth in zip(contents, ground_truth)]
