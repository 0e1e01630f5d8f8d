"""Prints ten megabytes. Outcome: scores; the host cuts the log."""


def reward(response):
    for _ in range(100):
        print("x" * 100_000)
    return 1.0
