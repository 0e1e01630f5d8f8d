"""Templates, parsers, policies and principles in Python, in the sandbox."""

import pytest
from conftest import EXAMPLES

pytest.importorskip("wasmtime", reason="LEFT OUT: the package `wasmtime` is not installed")
from sandbox import Failed, _result, record, task_record, wit

SCALE = record(min=1.0, max=10.0, integer=False)


def prepared(python, file, interface, options=None, source=None):
    source = source or (EXAMPLES / file).read_text(encoding="utf-8")
    text, description, interfaces = python.prepare({"as": interface, "file": file, "source": source, "options": options or {}})
    assert interfaces == [interface]
    return text, description


def completion(text):
    return record(text=text, finish="stop", tokens=[])


def test_a_template_renders_turns(python):
    text, description = prepared(python, "judge.py", "template")
    assert description["purpose"] == "Shows the query and the numbered responses, and asks for a score each."
    task = task_record({"prompt": "2+2?", "responses": ["4", "5"]})
    request = record(task=task, scale=SCALE, critique=None, principles=[], asked=[], earlier=[])
    prompt = _result("refused", python.call("template", "render", request, config=text))
    turns = prompt.input.payload if isinstance(prompt.input, wit.Variant) else prompt.input
    assert [turn.role for turn in turns] == ["system", "user"]
    assert turns[1].content == "2+2?\n\n[Response 1]\n4\n\n[Response 2]\n5"
    assert getattr(prompt, "max-tokens", getattr(prompt, "max_tokens", None)) == 200


def test_a_parser_reads_scores_and_says_what_is_missing(python):
    text, _ = prepared(python, "judge.py", "parser")
    judgement = _result("parse", python.call("parser", "parse", completion("Response 1: 7\nResponse 2: 2.5"), 2, SCALE, config=text))
    assert list(judgement.scores) == [7.0, 2.5]
    with pytest.raises(Failed, match="no `Response 2: SCORE`"):
        _result("parse", python.call("parser", "parse", completion("Response 1: 7"), 2, SCALE, config=text))


def context(samples_left, seed=2**63 + 12345):
    fields = dict(scale=SCALE, seed=seed, temperature=0.5, signals=[], judges=[])
    value = record(**fields)
    for name, entry in (("samples-left", samples_left), ("rounds-left", 3), ("has-own-judge", True)):
        setattr(value, name, entry)
    return value


def sample(number, scores):
    value = record(
        id=number, order=[0, 1], judge=None, asked=[], temperature=0.5, criteria=[], confidence=None, distributions=[], rating=None,
        outcome=scores,
    )  # fmt: skip
    for name, entry in (("answer-logprob", None), ("thinking-logprob", None), ("completion-tokens", 5)):
        setattr(value, name, entry)
    return value


def test_a_policy_draws_by_its_seed_and_finishes(python):
    text, description = prepared(python, "policy.py", "policy", {"k": 3})
    assert '"k": {"type": "integer", "default": 4}' in description["config-schema"]
    task = task_record({"prompt": "?", "responses": ["a", "b"]})

    def step(*arguments):
        return _result("refused", python.call("policy", "next", *arguments, config=text))

    first = step(task, context(10), [])
    assert first.tag == "draw" and len(first.payload) == 3
    orders = [list(draw.order) for draw in first.payload]
    assert orders == [list(draw.order) for draw in step(task, context(10), []).payload]
    seeds = [[list(draw.order) for draw in step(task, context(10, seed), []).payload] for seed in range(8)]
    assert any(other != orders for other in seeds)
    last = step(task, context(7), [sample(0, [1.0, 4.0]), sample(1, [5.0, 5.0]), sample(2, [9.0, None])])
    assert last.tag == "finish"
    assert list(last.payload.scores) == [5.0, 4.5] and list(last.payload.used) == [0, 1, 2]


def test_all_64_bits_of_a_seed_reach_the_policy(python):
    source = (
        "from rewarden_plugin import Finish\n\ndef step(task, context, samples):\n"
        "    return Finish([None], details={'seed': str(context.seed)})"
    )
    text, _ = prepared(python, "seed.py", "policy", source=source)
    task = task_record({"prompt": "?", "responses": ["a"]})
    value = _result("refused", python.call("policy", "next", task, context(1, 2**64 - 3), [], config=text))
    detail = value.payload.details[0]
    assert getattr(detail.value, "payload", detail.value) == str(2**64 - 3)


def test_principles_are_asked_for_and_read(python):
    text, _ = prepared(python, "principles.py", "principles")
    query = record(messages=[record(role="user", content="Write a poem.")], metadata="{}")
    prompt = _result("refused", python.call("principles", "ask", query, config=text))
    assert "Name three criteria" in str(getattr(prompt.input, "payload", prompt.input))
    found = _result("parse", python.call("principles", "read", completion("- Rhyme: it rhymes\nForm: four lines"), config=text))
    assert [(entry.name, entry.text) for entry in found] == [("Rhyme", "it rhymes"), ("Form", "four lines")]


def test_what_a_function_returns_in_another_form_is_refused_by_name(python):
    text, _ = prepared(python, "t.py", "template", source="def render(request):\n    return 5")
    request = record(task=task_record({"prompt": "?", "responses": ["a"]}), scale=SCALE, critique=None, principles=[], asked=[], earlier=[])
    with pytest.raises(Failed, match="returned int"):
        _result("refused", python.call("template", "render", request, config=text))


def test_a_description_says_name_version_and_options(python):
    source = '"""Module."""\n__version__ = "2.1.0"\n\ndef reward(response, *, limit: int = 3):\n    """Short is good."""\n    return limit'
    _, description = prepared(python, "MyReward_v2.py", "scorer", source=source)
    assert description["name"] == "my-reward-v2"
    assert description["version"] == "2.1.0"
    assert description["purpose"] == "Short is good."


def test_a_raw_configuration_is_taken_as_well(python):
    import json

    config = json.dumps({"as": "scorer", "file": "r.py", "source": "def reward(response):\n    return len(response)"})
    assert python.score(config, {"prompt": "?", "responses": ["abc"]}) == [3.0]


@pytest.mark.parametrize(
    ("interface", "source", "says"),
    [
        ("policy", "def step(t, c, s):\n    return Draw(['a'])", r"draw 0.order\[0\] is str"),
        ("policy", "def step(t, c, s):\n    return Draw([-1])", "expected a whole number from 0"),
        ("policy", "def step(t, c, s):\n    return Finish([1.0], details={'a': float('nan')})", "detail `a` is float"),
        ("template", "def render(request):\n    return Prompt('x', stop=[5])", r"prompt.stop\[0\] is int"),
        ("template", "def render(request):\n    return Prompt('x', constraint='a+')", "constraint is str"),
    ],
)
def test_a_value_with_a_wrong_field_is_refused_and_the_field_named(python, interface, source, says):
    text, _ = prepared(python, "wrong.py", interface, source=f"from rewarden_plugin import Draw, Finish, Prompt\n\n{source}")
    task = task_record({"prompt": "?", "responses": ["a"]})
    with pytest.raises(Failed, match=says):
        if interface == "policy":
            _result("refused", python.call("policy", "next", task, context(3), [], config=text))
        else:
            request = record(task=task, scale=SCALE, critique=None, principles=[], asked=[], earlier=[])
            _result("refused", python.call("template", "render", request, config=text))
