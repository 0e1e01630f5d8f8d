"""Waits for a timer. Outcome: other, by name."""

import asyncio


async def reward(response):
    await asyncio.sleep(1)
    return 1.0
