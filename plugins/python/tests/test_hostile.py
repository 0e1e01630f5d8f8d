"""Hostile programs end in a typed outcome, and change nothing for the next call.

`hostile/outcomes.json` has for each file the kinds that it may end in (`scores`, or a failure), what the message says, and what the log
has. `other` is the contract's refusal.
"""

import json

import pytest
from conftest import HOSTILE

pytest.importorskip("wasmtime", reason="LEFT OUT: the package `wasmtime` is not installed")
from sandbox import Failed

OUTCOMES = json.loads((HOSTILE / "outcomes.json").read_text(encoding="utf-8"))


def test_every_hostile_program_has_its_outcome():
    assert sorted(path.name for path in HOSTILE.glob("*.py")) == sorted(OUTCOMES)


@pytest.mark.parametrize("file", OUTCOMES)
def test_a_hostile_program_ends_as_its_table_says(python, file):
    outcome = OUTCOMES[file]
    config = {"as": "scorer", "file": file, "source": (HOSTILE / file).read_text(encoding="utf-8")}
    prepared, _, _ = python.prepare(config)
    task = {"prompt": "?", "responses": outcome.get("responses", ["4", "no"]), "reference": "4"}
    found = run(python, prepared, task)
    assert found["kind"] in outcome["kinds"], found
    if "says" in outcome:
        assert outcome["says"] in found["message"], found
        assert len(found["message"]) < 1500
    if "scores" in outcome:
        assert found["scores"] == outcome["scores"]
    if "log" in outcome:
        assert any(outcome["log"] in line for _, line in found["log"]), found["log"]
    if found["kind"] == "scores":
        assert run(python, prepared, task)["scores"] == found["scores"]


def run(sandbox, prepared, task):
    try:
        scores = sandbox.score(prepared, task)
        return {"kind": "scores", "scores": scores, "log": sandbox.log}
    except Failed as error:
        kind = error.name if error.kind == "refused" else error.kind
        if kind == "trap" and sandbox.denied:
            kind = "memory"
        return {"kind": kind, "message": error.message, "log": sandbox.log}


def test_a_poisoned_call_changes_nothing_for_the_next(python):
    source = (HOSTILE / "sdk_patched.py").read_text(encoding="utf-8")
    prepared, _, _ = python.prepare({"as": "scorer", "file": "sdk_patched.py", "source": source})
    clean = {"prompt": "?", "responses": ["x", "y"]}
    before = python.score(prepared, clean)
    run(python, prepared, {"prompt": "?", "responses": ["poison", "x"]})
    assert python.score(prepared, clean) == before == [0.0, 0.0]
