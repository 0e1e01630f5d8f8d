"""Runs a program in this Python, as the sandbox does: prepared once, and applied anew for each task.

The clock stands still, chance repeats and the depth of JSON is bounded, as there; files and the network are not closed, since this is
for debugging.
"""

import sys
from contextlib import contextmanager

from .guard import Guard
from .program import Program, prepare
from .results import Abstention
from .scoring import score_task
from .sealed import chance, clock, depth
from .values import Message, Task

TAG = f"native {sys.version.split()[0]}"


@contextmanager
def still_world():
    """The clock, chance and JSON of the sandbox, and this process's own again afterwards."""
    clocks, dice, decode = clock.stop(), chance.repeat(), depth.bound()
    finders, modules = list(sys.meta_path), set(sys.modules)
    try:
        yield
    finally:
        sys.meta_path[:] = finders
        for name in set(sys.modules) - modules:
            # A program's own modules begin anew; libraries stay.
            if getattr(sys.modules[name], "__rewarden_program__", False):
                del sys.modules[name]
        depth.restore(decode)
        chance.restore(dice)
        clock.restore(clocks)


def task_of(row: dict) -> Task:
    """Returns the task of a row such as `rewarden score` takes. Raises `ValueError` with the field at fault."""
    responses = row.get("responses")
    if responses is None and isinstance(row.get("chosen"), str) and isinstance(row.get("rejected"), str):
        responses = [row["chosen"], row["rejected"]]
    if not isinstance(responses, list) or not responses or not all(isinstance(entry, str) for entry in responses):
        raise ValueError("`responses`: expected a list of at least one text")
    if isinstance(row.get("messages"), list) and row["messages"]:
        messages = [Message(entry["role"], entry["content"]) for entry in row["messages"]]
    elif isinstance(row.get("prompt"), str):
        messages = [Message("user", row["prompt"])]
    else:
        raise ValueError("`prompt`: expected a text, or `messages`")
    reference = row.get("reference")
    if isinstance(reference, (int, float)) and not isinstance(reference, bool):
        reference = str(reference)
    known = ("id", "prompt", "messages", "responses", "chosen", "rejected", "reference", "preferred", "metadata")
    metadata = {**(row.get("metadata") or {}), **{key: value for key, value in row.items() if key not in known}}
    return Task(messages, responses, reference, metadata)


def prepared(config: dict) -> str:
    """Returns the prepared form of a raw configuration. Raises `ConfigError`."""
    import json

    with still_world():
        return prepare(json.dumps(config), TAG).json


def score(prepared_text: str, task: Task, log=None) -> "list[float | Abstention]":
    """Returns one score or abstention for each response. Raises `Refuse` and `NoResult`."""
    with still_world():
        program = Program.of(prepared_text, TAG)
        guard = Guard(program.modules)
        return score_task(program.function, program.plan, task, program.options, files=program.files, guard=guard, log=log)
