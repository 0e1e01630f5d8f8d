"""Imports late what is not there. Outcome: other, ModuleNotFoundError, which names numpy."""


def reward(response):
    import numpy

    return float(numpy.mean([1.0]))
