"""Reward functions in the forms of trainers get what their documentation says, natively."""

import pytest

from rewarden_plugin import ConfigError, NoResult, Refuse, native
from rewarden_plugin.results import Abstention

TASK = {
    "prompt": "What is 2 + 2?",
    "responses": ["4", "five"],
    "reference": "4",
    "metadata": {"difficulty": 3, "data_source": "sums", "tags": ["a"]},
}


def scores(source, task=TASK, options=None, **config):
    text = native.prepared({"as": "scorer", "file": "reward.py", "source": source, "options": options or {}, **config})
    return native.score(text, native.task_of(task))


def test_a_function_of_ones_own_gets_any_of_prompt_response_reference_messages_and_metadata():
    source = """
def reward(metadata, response, prompt, messages, reference):
    assert prompt == "What is 2 + 2?" and messages == [{"role": "user", "content": prompt}]
    assert metadata["difficulty"] == 3
    return response == reference
"""
    assert scores(source) == [1.0, 0.0]


def test_a_field_of_the_metadata_is_had_by_its_name():
    assert scores("def reward(response, difficulty):\n    return difficulty") == [3.0, 3.0]


def test_a_missing_field_is_an_unsuitable_task_by_name():
    with pytest.raises(Refuse, match="no field `language`"):
        scores("def reward(response, language):\n    return len(language)")
    assert scores("def reward(response, language='en'):\n    return len(language)") == [2.0, 2.0]


def test_a_missing_reference_is_an_unsuitable_task():
    with pytest.raises(Refuse, match="no `reference`"):
        scores("def reward(response, reference):\n    return response == reference", {"prompt": "?", "responses": ["4"]})


@pytest.mark.parametrize("name", ["ground_truth", "solution", "answer", "label", "target"])
def test_the_reference_stands_for_the_usual_names_unless_the_metadata_has_them(name):
    source = f"def reward(response, {name}):\n    return float({name})"
    assert scores(source) == [4.0, 4.0]
    assert scores(source, {**TASK, "metadata": {name: "7"}}) == [7.0, 7.0]


def test_one_call_cannot_change_the_metadata_of_the_next():
    source = "def reward(response, tags):\n    tags.append(response)\n    return len(tags)"
    assert scores(source) == [2.0, 2.0]


def test_a_function_with_responses_is_called_once_with_all():
    assert scores("def reward(responses, reference):\n    return [r == reference for r in responses]") == [1.0, 0.0]


def test_trl_gets_texts_or_messages_as_its_code_reads_them():
    texts = "def f(prompts, completions, **kwargs):\n    return [len(p) + len(c) for p, c in zip(prompts, completions)]"
    assert scores(texts) == [15.0, 18.0]
    chats = (
        "def f(prompts, completions, **kwargs):\n"
        "    assert prompts[0][-1]['role'] == 'user'\n    return [len(c[0]['content']) for c in completions]"
    )
    assert scores(chats) == [1.0, 4.0]
    assert scores("def f(completions, **kwargs):\n    return [len(c) for c in completions]", options={"conversational": True}) == [1.0, 1.0]


def test_trl_gets_columns_with_one_copy_for_each_completion():
    source = (
        "def f(completions, solution, difficulty, **kwargs):\n    assert kwargs['tags'] == [['a'], ['a']]\n"
        "    return [d * (c == s) for c, s, d in zip(completions, solution, difficulty)]"
    )
    assert scores(source) == [3.0, 0.0]


def test_trl_may_skip_a_completion_with_none():
    found = scores("def f(completions, **kwargs):\n    return [1.0, None]")
    assert found[0] == 1.0 and isinstance(found[1], Abstention)


def test_trl_functions_may_log_and_may_be_asynchronous():
    source = (
        "async def f(completions, log_extra=None, log_metric=None, **kwargs):\n"
        "    log_extra('lengths', [1, 2])\n    log_metric('mean', 1.5)\n    return [0.5] * len(completions)"
    )
    assert scores(source) == [0.5, 0.5]


def test_verl_gets_one_solution_at_a_time_with_its_source_and_extra_info():
    source = (
        "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n"
        "    assert data_source == 'sums' and extra_info['difficulty'] == 3\n    return {'score': solution_str == ground_truth, 'n': 1}"
    )
    assert scores(source) == [1.0, 0.0]


def test_verl_needs_no_data_source_where_the_function_reads_none():
    source = "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n    return solution_str == ground_truth"
    assert scores(source, {"prompt": "?", "responses": ["4", "5"], "reference": "4"}) == [1.0, 0.0]
    with pytest.raises(Refuse, match="data_source"):
        scores(source.replace("return ", "return data_source and "), {"prompt": "?", "responses": ["4"], "reference": "4"})


def test_verl_ground_truth_is_found_where_its_data_sets_have_it():
    source = "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n    return float(ground_truth)"
    task = {"prompt": "?", "responses": ["4"], "metadata": {"reward_model": {"style": "rule", "ground_truth": "9"}}}
    assert scores(source, task) == [9.0]


def test_verl_in_batches():
    source = (
        "def compute_score(data_sources, solution_strs, ground_truths, extra_infos):\n"
        "    return [{'score': s == g} for s, g in zip(solution_strs, ground_truths)]"
    )
    assert scores(source) == [1.0, 0.0]


def test_verl_reward_kwargs_are_options():
    source = "def compute_score(solution_str, ground_truth, method='strict', score=1.0):\n    return score if method == 'strict' else 0"
    assert scores(source, options={"score": 0.5}) == [0.5, 0.5]
    with pytest.raises(ConfigError, match="option `score`: expected a number"):
        scores(source, options={"score": "much"})


def test_openrlhf_gets_queries_that_are_prompt_and_response():
    source = (
        "import torch\ndef reward_func(queries, prompts, labels, **kwargs):\n"
        "    hits = [q[len(p):] == l for q, p, l in zip(queries, prompts, labels)]\n"
        "    reward = torch.tensor(hits).float() * 0.1\n"
        "    return {'rewards': reward, 'scores': reward, 'extra_logs': {'mean': reward}}"
    )
    assert scores(source) == [0.10000000149011612, 0.0]


def test_what_is_not_there_of_torch_is_refused_by_name():
    source = "import torch\ndef reward_func(queries, prompts, labels):\n    return torch.randn(len(queries))"
    with pytest.raises(NoResult, match="torch.randn is not there"):
        scores(source)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ("float('nan')", "returned nan"),
        ("float('inf')", "returned inf"),
        ("'1'", "expected a number"),
        ("[1.0]", "expected a number"),
        ("{'reward': 1}", "without `score`"),
        ("10**400", "no finite number"),
    ],
)
def test_what_is_no_score_is_refused_and_never_a_number(result, says):
    with pytest.raises(NoResult, match=says):
        scores(f"def reward(response):\n    return {result}")


def test_none_and_abstain_are_abstentions_with_their_reason():
    source = (
        "from rewarden_plugin import Abstain\n\ndef reward(response):\n"
        "    if response == '4':\n        return None\n    raise Abstain('no digits')"
    )
    assert [entry.reason for entry in scores(source)] == ["the function, response 0, returned None", "no digits"]


def test_an_exception_fails_the_task_and_names_response_file_line_and_function():
    source = "def half(n):\n    return 1 / n\n\ndef reward(response):\n    return half(len(response) - 4)"
    with pytest.raises(NoResult) as error:
        scores(source)
    assert str(error.value) == (
        "ZeroDivisionError: division by zero, at reward.py:2 in half, called from reward.py:5 in reward (response 1, counted from 0, of 2)"
    )


def test_the_message_of_an_exception_is_cut():
    with pytest.raises(NoResult) as error:
        scores("def reward(response):\n    raise ValueError('x' * 100000)")
    assert len(str(error.value)) < 500


def test_the_function_is_found_by_its_name_or_named():
    several = "def format_reward(response):\n    return 1\n\ndef length_reward(response):\n    return len(response)"
    with pytest.raises(ConfigError, match="several reward functions: format_reward, length_reward"):
        scores(several)
    assert scores(several, function="length_reward") == [1.0, 4.0]
    assert scores("def clean(response):\n    return response\n\ndef reward(response):\n    return len(clean(response))") == [1.0, 4.0]


def test_a_file_without_a_reward_says_what_it_has_and_what_is_taken():
    with pytest.raises(ConfigError, match=r"it has `helper\(x\)`"):
        scores("def helper(x):\n    return x")


def test_a_syntax_error_has_file_line_and_text():
    with pytest.raises(ConfigError, match=r"reward.py:1: def reward\(response:"):
        scores("def reward(response:\n    return 1")


def test_an_exception_at_the_top_level_has_its_line():
    with pytest.raises(ConfigError, match="ZeroDivisionError: division by zero, at reward.py:2 in <module>"):
        scores("x = 0\n1 / x\ndef reward(response):\n    return 1")


def test_other_files_are_imported_and_opened():
    files = {"helpers.py": "LIMIT = 3", "lib/more.py": "def twice(x):\n    return 2 * x"}
    source = "from helpers import LIMIT\nfrom lib.more import twice\ndef reward(response):\n    return twice(LIMIT)"
    assert scores(source, files=files) == [6.0, 6.0]


def test_options_are_keyword_only_parameters_and_are_checked():
    source = "def reward(response, *, weight: float = 1.0, mode: str = 'a', words: list[str] = []):\n    return weight"
    assert scores(source, options={"weight": 2}) == [2.0, 2.0]
    with pytest.raises(ConfigError, match="unknown option `wieght`; the function takes: `weight`, `mode`, `words`"):
        scores(source, options={"wieght": 2})
    with pytest.raises(ConfigError, match="option `words`: expected a list of which each entry is a text"):
        scores(source, options={"words": [1]})
    with pytest.raises(ConfigError, match="option `needed` is missing"):
        scores("def reward(response, *, needed: int):\n    return needed")


def test_chance_repeats_and_time_stands_still_natively_too():
    source = "import random, time\ndef reward(response):\n    return random.random() + time.time()"
    first, second = scores(source)
    assert first != second and scores(source) == [first, second]


def test_a_response_that_replaces_the_grader_ends_the_call():
    source = "def judge(r):\n    return 0\n\ndef reward(response):\n    exec(response)\n    return judge(response)"
    poison = {"prompt": "?", "responses": ["globals()['judge'] = lambda r: 1", "0"]}
    with pytest.raises(NoResult, match="replaced `reward.judge`"):
        scores(source, poison)
    assert scores(source, {"prompt": "?", "responses": ["0", "1"]}) == [0.0, 0.0]


def test_a_response_of_a_group_that_replaces_the_grader_ends_the_call():
    source = "def judge(r):\n    return 0\n\ndef f(completions, **kwargs):\n    return [exec(c) or judge(c) for c in completions]"
    with pytest.raises(NoResult, match="scoring the responses replaced `reward.judge`"):
        scores(source, {"prompt": "?", "responses": ["globals()['judge'] = lambda r: 1", "0"]})


def test_a_prepared_program_of_another_build_is_refused():
    from rewarden_plugin.program import Program

    text = native.prepared({"as": "scorer", "file": "reward.py", "source": "def reward(response):\n    return 1"})
    with pytest.raises(ConfigError, match="prepared by another build"):
        Program.of(text, "python 0123456789abcdef")
