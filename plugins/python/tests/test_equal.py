"""The same file gives the same scores natively and in the sandbox."""

import json

import pytest
from conftest import EXAMPLES
from generated import tasks

from rewarden_plugin import native
from rewarden_plugin.results import Abstention

# Each is scored on 500 generated responses.
FILES = {
    "trl_accuracy.py": {},
    "trl_format.py": {},
    "trl_length.py": {"limit": 150},
    "verl_gsm8k.py": {"format_score": 0.1},
    "verl_custom.py": {},
    "openrlhf_reward.py": {},
    "options.py": {"tolerance": 0.5},
}


def config_of(file, options):
    return {"as": "scorer", "file": file, "source": (EXAMPLES / file).read_text(encoding="utf-8"), "options": options}


@pytest.mark.parametrize("file", FILES)
def test_500_generated_responses_get_the_same_bytes_natively_and_in_the_sandbox(python, file):
    config = config_of(file, FILES[file])
    here, (there, _, interfaces) = native.prepared(config), python.prepare(config)
    assert interfaces == ["scorer"]
    scores = []
    for task in tasks(125, 4, seed=7):
        native_scores = [s.reason if isinstance(s, Abstention) else s for s in native.score(here, native.task_of(task))]
        sandbox_scores = python.score(there, task)
        assert json.dumps(sandbox_scores) == json.dumps(native_scores), task
        scores += native_scores
    assert len(scores) == 500
    assert len(set(scores)) >= 2, "a comparison of equal numbers shows nothing"


def test_math_verify_gives_the_same_verdicts_natively_and_in_the_sandbox(maths):
    pytest.importorskip("math_verify", reason="LEFT OUT: math-verify is not installed here")
    from maths_pairs import pairs

    config = config_of("maths.py", {})
    here, (there, _, _) = native.prepared(config), maths.prepare(config)
    right = 0
    for reference, responses in pairs(60, seed=3):
        task = {"prompt": "?", "responses": responses, "reference": reference}
        expected = native.score(here, native.task_of(task))
        assert maths.score(there, task) == expected, task
        right += sum(expected)
    assert right > 60
