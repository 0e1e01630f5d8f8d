"""Runs cases before the memory is kept: what they import and cache is there in every call."""

import json

from ..program import Program
from ..scoring import score_task
from ..values import Message, Task


def run(runtime, cases, log) -> None:
    """Scores each case: a dict with `config` (a raw configuration) and `tasks` (each with prompt, responses, reference, metadata).

    A case whose `scores` are given and differ ends the build: what is warmed has to be right.
    """
    for case in cases:
        program = Program.of(json.dumps(case["config"]), runtime.tag)
        for task in case["tasks"]:
            given = Task([Message("user", task.get("prompt", ""))], task["responses"], task.get("reference"), task.get("metadata", {}))
            found = score_task(program.function, program.plan, given, program.options, files=program.files)
            if "scores" in task and found != task["scores"]:
                raise SystemExit(f"warm-up {task}: expected {task['scores']}, found {found}")
    if cases:
        log(f"warmed with {sum(len(case['tasks']) for case in cases)} tasks")
