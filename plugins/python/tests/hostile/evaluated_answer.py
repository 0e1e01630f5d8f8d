"""Evaluates the answer, which ends the process. Outcome: other, SystemExit. Response: __import__("sys").exit()"""


def reward(response):
    return float(eval(response) == 4)
