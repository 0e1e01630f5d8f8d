"""Reasoning in think tags and then an answer in tags, in the form of TRL's documentation for conversational data."""

import re


def format_reward_func(completions, **kwargs):
    """1 where the completion is `<think>…</think><answer>…</answer>`, else 0."""
    pattern = r"^<think>.*?</think>\s*<answer>.*?</answer>$"
    contents = [completion[0]["content"] for completion in completions]
    return [1.0 if re.match(pattern, content, re.DOTALL) else 0.0 for content in contents]
