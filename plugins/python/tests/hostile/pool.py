"""Asks a pool of processes. Outcome: other, by name."""

from concurrent.futures import ProcessPoolExecutor


def reward(response):
    with ProcessPoolExecutor() as pool:
        return float(pool.submit(len, response).result())
