"""Runs cases before the memory is kept: what they import and cache is there in every call."""

import json
import logging
import sys

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


# One program of each form, for `exercise`.
_FORMS = (
    "def reward(prompt, response, reference):\n    return float(response == reference)\n",
    "def reward(completions, **kwargs):\n    return [1.0 for completion in completions]\n",
    "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n    return 1.0\n",
    "def reward_func(queries, prompts, labels):\n    return [1.0 for query in queries]\n",
)


def exercise(runtime, exports) -> None:
    """Runs this package's own way through a call until CPython has specialised its code, which would otherwise be written to in
    every call.
    """
    from wit_world.imports import types as wit

    from ..program import prepare

    describe, scorer = exports["Describe"](), exports["Scorer"]()
    message = wit.Message(wit.Role.USER, "What is 2 + 2?")
    for source in _FORMS:
        text = prepare(json.dumps({"as": "scorer", "source": source, "file": "warm.py"}), runtime.tag).json
        for _ in range(40):
            describe.configure(text)
            scorer.score_responses(wit.Task([message], ["4", "5"], "4", '{"data_source": "x"}'))
    runtime.program = None
    sys.modules.pop("warm", None)
