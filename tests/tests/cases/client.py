"""Samples of the cases through rewarden-client: each has a right answer, so it is paid, or it alone has no reward."""

import json
import sys
from pathlib import Path

from rewarden_client import trl, verl

url = sys.argv[1]


def verl_fields(row):
    """The arguments of a verl reward function, of a request's body or of a task."""
    if "solution_str" in row:
        return row["data_source"], row["solution_str"], row["ground_truth"], row["extra_info"]
    rest = {key: value for key, value in row.items() if key not in ("id", "reference", "responses")}
    return "quiz", row["responses"][0], row.get("reference"), rest


def by_verl(rows):
    scored = verl.compute_score_batch(*(list(column) for column in zip(*map(verl_fields, rows))), url=url)
    assert len(scored) == len(rows), scored
    for row, reply in zip(rows, scored):
        assert (reply["score"], reply["rewarden_failed"]) in ((1.0, 0), (0.0, 1)), (row, reply)
        assert list(reply) == list(verl.KEYS), reply
        assert row.get("id") != "good" or reply["score"] == 1.0, reply


def by_trl(rows):
    reward = trl.reward_func(url, reference="answer")
    scores = reward([row["prompt"] for row in rows], [row["completion"] for row in rows], answer=[row["answer"] for row in rows])
    assert scores == [1.0] * len(rows), scores


for path in map(Path, sys.argv[2:]):
    # Halves of characters, and numbers that JSON has not: as Python reads them.
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = json.loads(text)
    if path.name.startswith("trl"):
        by_trl(rows)
    else:
        by_verl(rows if isinstance(rows, list) else [rows])
    print(f"checked: {path.name}")
