"""Draws by chance without a seed. Outcome: scores, the same in every call."""

import os
import random
import secrets
import uuid


def reward(response):
    return random.random() + random.Random().random() + secrets.randbelow(1000) + uuid.uuid4().int % 1000 + os.urandom(1)[0]
