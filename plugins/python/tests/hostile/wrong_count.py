"""Returns one score for two responses. Outcome: other: 1 scores for 2 responses."""


def reward(completions, **kwargs):
    return [1.0]
