"""A program with packages of its own as a runtime."""
