"""OpenRLHF's form: `--remote_rm_url reward_func.py`. Its documented example draws its rewards by chance; this one compares."""

import torch


def reward_func(queries, prompts, labels, **kwargs):
    """0.9 where the text after the prompt has the label, 0.1 more where it is short."""
    rewards = []
    for query, prompt, label in zip(queries, prompts, labels):
        response = query[len(prompt) :]
        rewards.append(0.9 * (label in response) + 0.1 * (len(response) < 40))
    reward = torch.tensor(rewards, dtype=torch.float)
    return {"rewards": reward, "scores": reward, "extra_logs": {"mean": reward}}
