"""Takes memory without end. Outcome: memory or other (MemoryError)."""


def reward(response):
    held = []
    while True:
        held.append(bytearray(1 << 20))
