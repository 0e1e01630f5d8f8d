"""Opens a connection. Outcome: other, by name."""

import socket


def reward(response):
    socket.create_connection(("127.0.0.1", 80))
    return 1.0
