"""Asks for the time and sleeps. Outcome: scores: every clock is at 0."""

import datetime
import logging
import time


def reward(response):
    time.sleep(10)
    logging.warning("it is %s", datetime.datetime.now())
    return time.time() + time.monotonic() + datetime.datetime.now().year + time.localtime().tm_year
