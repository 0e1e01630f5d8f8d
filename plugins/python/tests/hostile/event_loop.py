"""Runs an event loop. Outcome: other, by name."""

import asyncio


def reward(response):
    return asyncio.run(asyncio.sleep(0, 1.0))
