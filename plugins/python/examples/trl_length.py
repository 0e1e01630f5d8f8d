"""Longer completions get more, in the form of TRL's documentation; past a limit they are punished."""


def reward_len(prompts, completions, *, limit: int = 400, **kwargs):
    """The number of characters in hundreds; beyond `limit` characters, the excess is subtracted."""
    return [len(text) / 100 if len(text) <= limit else (2 * limit - len(text)) / 100 for text in completions]
