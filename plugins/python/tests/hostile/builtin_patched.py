"""A response's code replaces a builtin. Outcome: other, which names builtins.len."""


def reward(response):
    exec("import builtins; builtins.len = lambda anything: 1000")
    return float(len(response))
