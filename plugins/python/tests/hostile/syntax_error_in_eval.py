"""Compiles an answer that is no Python. Outcome: other, SyntaxError."""


def reward(response):
    exec(compile("def f(:\n  pass", "answer.py", "exec"))
    return 1.0
