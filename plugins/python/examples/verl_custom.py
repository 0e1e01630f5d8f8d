"""A custom reward function of verl: `custom_reward_function.path` and `name` in its configuration."""


def my_reward_fn(data_source, solution_str, ground_truth, extra_info=None):
    """A dict with `score`, as verl takes it; what else it holds goes to the log."""
    correct = solution_str.strip().endswith(ground_truth)
    length = len(solution_str.split())
    if data_source == "short" and length > 50:
        return {"score": 0.5 * correct, "acc": correct, "length": length}
    return {"score": 1.0 if correct else -0.1, "acc": correct, "length": length}
