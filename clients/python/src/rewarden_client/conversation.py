"""Prompts and completions as trainers write them: texts, or lists of ``{"role", "content"}``.

What a turn, a content or a label of any kind means is the server's to say, as for all its consumers; here they are only put into
tasks, as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rewarden_client.wire import plain


def turns(prompt: Any) -> list[Any]:
    """The turns of a prompt; a text is one turn of the user's."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(prompt)


def split(completion: Any) -> tuple[list[Any], Any]:
    """A completion as the turns before its answer, and its answer: what the assistant said last, as a text where it is one."""
    if isinstance(completion, str) or not any(_is_turn(entry) for entry in completion):
        return [], completion
    said = list(completion)
    start = len(said)
    while start > 0 and _is_turn(said[start - 1]) and said[start - 1].get("role") == "assistant":
        start -= 1
    answer = said[start:]
    if not answer:
        # It was cut off before there was one.
        return said, ""
    if len(answer) == 1 and isinstance(answer[0].get("content"), str) and not answer[0].get("tool_calls"):
        return said[:start], answer[0]["content"]
    return said[:start], answer


def _is_turn(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "role" in entry


def grouped(
    prompts: Sequence[Any], completions: Sequence[Any], references: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[tuple[int, int] | str]]:
    """Tasks of the completions that share a prompt and a reference, and for each completion its task and place there.

    So a pack that compares responses sees the whole group. A completion that no task can be made of has a text that says why in
    the place of its place.
    """
    tasks: list[dict[str, Any]] = []
    places: list[tuple[int, int] | str] = []
    known: dict[str, int] = {}
    for prompt, completion, reference in zip(prompts, completions, references, strict=True):
        try:
            before, response = split(completion)
            task: dict[str, Any] = {"messages": turns(prompt) + before, "responses": []}
            if reference is not None:
                task["reference"] = reference
            key = json.dumps(plain(task))
        except Exception as error:  # noqa: BLE001: whatever a rollout is made of, it is not the batch's fault
            places.append(f"{type(error).__name__}: {error}")
            continue
        if key not in known:
            known[key] = len(tasks)
            tasks.append(task)
        task = tasks[known[key]]
        places.append((known[key], len(task["responses"])))
        task["responses"].append(response)
    return tasks, places
