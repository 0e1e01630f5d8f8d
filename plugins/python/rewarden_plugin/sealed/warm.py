"""Runs cases before the memory is kept: what they import and cache is there in every call."""

import json
import logging

from ..errors import NoResult
from ..program import Program
from ..results import Abstention
from ..scoring import score_task
from ..values import Message, Task


class WrongWarmUp(Exception):
    """A case whose scores are others than expected: what is warmed has to be right."""


def run(runtime, cases, log) -> None:
    """Scores each case: a dict with `config` (a raw configuration) and `tasks` (prompt, responses, reference, metadata, scores).

    Raises `WrongWarmUp` where the scores of a task are given and differ.
    """
    logging.disable(logging.CRITICAL)
    for case in cases:
        for task, found in zip(case["tasks"], scores(case, runtime.tag)):
            if "scores" in task and found != task["scores"]:
                raise WrongWarmUp(f"{task}: found {found}")
    logging.disable(logging.NOTSET)
    if cases:
        log(f"warmed with {sum(len(case['tasks']) for case in cases)} tasks")


def scores(case, tag):
    """Yields the scores of each task of the case; `None` where there are none."""
    program = Program.of(json.dumps(case["config"]), tag)
    for task in case["tasks"]:
        given = Task([Message("user", task.get("prompt", ""))], task["responses"], task.get("reference"), task.get("metadata", {}))
        try:
            found = score_task(program.function, program.plan, given, program.options, files=program.files)
        except NoResult:
            yield None
            continue
        yield [None if isinstance(score, Abstention) else score for score in found]
