"""Each trainer's contract, as its own code calls it."""

import asyncio
import importlib.util
import logging
import pickle
from types import SimpleNamespace

import pytest
from conftest import Refused

from rewarden_client.server import REFUSALS
from rewarden_client import RequestRefused, RewardenError, ServerUnavailable, areal, ms_swift, openrlhf, slime, trl, verl

HI = [{"role": "user", "content": "Hi"}]


def said(text):
    return [{"role": "assistant", "content": text}]


# verl: keywords, one sample, the same keys always.


def verl_sample(solution):
    return dict(data_source="gsm8k", solution_str=solution, ground_truth="4", extra_info={"question": "2+2?"})


def test_verl_gets_the_same_keys_whatever_happens(stub):
    scored = verl.compute_score(**verl_sample("0.5"), reward_router_address="x:1", reward_model_tokenizer=None)
    failed = verl.compute_score(**verl_sample("abstain"))
    stub.fail(503, times=9)
    unreachable = verl.compute_score(**verl_sample("1"))
    assert list(scored) == list(failed) == list(unreachable) == list(verl.KEYS)
    assert (scored["score"], scored["rewarden_failed"]) == (0.5, 0)
    assert (failed["score"], failed["rewarden_failed"], failed["rewarden_failure"]) == (0.0, 1, "abstained")
    assert (unreachable["score"], unreachable["rewarden_failed"]) == (0.0, 1)


def test_verl_gets_the_criteria_that_it_names_as_numbers(stub):
    scored = verl.compute_score(**verl_sample("0.5"), criteria=["tone", "facts"])
    stub.fail(503, times=9)
    unreachable = verl.compute_score(**verl_sample("1"), criteria=["tone", "facts"])
    assert list(scored) == list(unreachable) == [*verl.KEYS, "rewarden_criterion/tone", "rewarden_criterion/facts"]
    assert (scored["rewarden_criterion/tone"], scored["rewarden_criterion/facts"]) == (0.5, None)
    assert (unreachable["rewarden_criteria"], unreachable["rewarden_criterion/tone"]) == ("{}", None)


def test_verl_is_stopped_by_a_request_that_is_wrong_for_every_sample(stub):
    stub.fail(404)
    with pytest.raises(RequestRefused):
        verl.compute_score(**verl_sample("1"))


def test_verl_flags_the_one_sample_that_cannot_be_read_and_logs_why(stub, caplog):
    stub.fail(400)
    stub.replies[0][1]["pointer"] = "/ground_truth"
    with caplog.at_level(logging.WARNING):
        refused = verl.compute_score(**verl_sample("1"))
    assert (refused["score"], refused["rewarden_failed"], refused["rewarden_failure"]) == (0.0, 1, "refused")
    assert list(refused) == list(verl.KEYS) and "/ground_truth: laid out 400" in caplog.text
    deep = []
    for _ in range(200):
        deep = [deep]
    assert verl.compute_score(**(verl_sample("1") | {"ground_truth": deep}))["rewarden_failure"] == "refused"
    assert verl.compute_score(**verl_sample("1"))["score"] == 1.0


def test_verl_is_stopped_by_samples_that_are_refused_one_after_the_other(stub):
    stub.fail(400, times=200)
    server = dict(url=stub.url, api_key="of-this-test")
    for _ in range(REFUSALS - 1):
        assert verl.compute_score(**verl_sample("1"), **server)["rewarden_failure"] == "refused"
    with pytest.raises(RequestRefused):
        verl.compute_score(**verl_sample("1"), **server)


def test_verl_sends_numbers_and_texts_that_json_does_not_have(stub):
    sample = verl_sample("0.5 \ud83d") | {"ground_truth": float("nan"), "extra_info": {"a": [float("inf")], "n": 2**70, 3: b"x"}}
    assert verl.compute_score(**sample)["score"] == 0.5
    body = stub.requests[0]["body"]
    assert (body["solution_str"], body["ground_truth"]) == ("0.5 \ufffd", None)
    assert body["extra_info"] == {"a": [None], "n": str(2**70), "3": "x"}


def test_verl_s_reward_kwargs_choose_server_and_pack(stub, monkeypatch):
    monkeypatch.setenv("REWARDEN_URL", "http://127.0.0.1:9")
    verl.compute_score(**verl_sample("1"), url=stub.url, pack="helpful")
    assert stub.requests[0]["query"] == "pack=helpful"
    assert stub.requests[0]["body"]["extra_info"] == {"question": "2+2?"}


def test_verl_s_async_samples_run_beside_each_other(stub):
    async def both():
        return await asyncio.gather(*(verl.compute_score_async(**verl_sample(text)) for text in ("1", "2")))

    assert [reply["score"] for reply in asyncio.run(both())] == [1.0, 2.0]


def test_verl_s_batch_manager_gets_a_list_in_order(stub):
    replies = verl.compute_score_batch(["d"] * 3, ["1", "2", "3"], ["x"] * 3, [{"question": "q"}] * 3)
    assert [reply["score"] for reply in replies] == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError):
        verl.compute_score_batch(["d"], ["1", "2"], ["x"], [None])


# TRL: lists, one value per completion, None where there is none.


def test_trl_gets_none_where_there_is_no_score(stub):
    rewards = trl.reward_func(stub.url)
    metrics = {}
    scores = rewards(
        prompts=["p", "p", "q", "r"],
        completions=["1", "abstain", "2", "refuse"],
        completion_ids=[[1]] * 4,
        answer=["a"] * 4,
        trainer_state=None,
        log_metric=metrics.__setitem__,
        log_extra=None,
    )
    assert scores == [1.0, None, 2.0, None]
    assert metrics == {"rewarden/without_score": 0.5}


def test_trl_s_group_of_a_prompt_is_one_task_with_its_reference(stub):
    rewards = trl.reward_func(stub.url, reference="answer", pack="helpful")
    assert rewards([HI, HI, HI], [said("1"), said("2"), said("3")], answer=["a", "a", "b"]) == [1.0, 2.0, 3.0]
    tasks = stub.requests[0]["body"]["tasks"]
    assert [(task["responses"], task["reference"]) for task in tasks] == [(["1", "2"], "a"), (["3"], "b")]
    assert tasks[0]["messages"] == HI


def test_trl_s_completion_of_several_turns_is_judged_by_its_last(stub):
    before = [{"role": "assistant", "content": "Who?"}, {"role": "user", "content": "Me."}]
    assert trl.reward_func(stub.url)([HI], [before + said("1")]) == [1.0]
    assert stub.requests[0]["body"]["tasks"][0]["messages"] == HI + before


def test_trl_gets_none_for_the_one_rollout_that_the_server_refuses_and_the_others_rewards(stub, caplog):
    judge = stub.reply

    def refuse_robots(request):
        for index, task in enumerate(request["body"]["tasks"]):
            if any("robot" in str(turn) for turn in task["messages"]):
                return Refused(400, {"detail": "no robots", "pointer": f"/tasks/{index}/messages/1/role"})
        return judge(request)

    stub.reply = refuse_robots
    robot = [{"role": "robot", "content": "x"}] + said("9")
    with caplog.at_level(logging.WARNING):
        scores = trl.reward_func(stub.url, batch=4)(
            ["a", "b", "c", "d", "e"], [said("1"), robot, said("2"), None, said("3")]
        )
    assert scores == [1.0, None, 2.0, None, 3.0]
    assert "no robots" in caplog.text and "NoneType" in caplog.text


def test_trl_s_turns_with_tools_and_labels_of_any_kind_go_as_they_are(stub):
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    tool = {"role": "tool", "name": "f", "content": "144"}
    rewards = trl.reward_func(stub.url, reference="answer")
    assert rewards([HI, HI, HI], [[call, tool] + said("1"), said("2"), [call]], answer=[144, ["a", "b"], None])[:2] == [1.0, 2.0]
    tasks = stub.requests[0]["body"]["tasks"]
    assert tasks[0] == {"messages": HI + [call, tool], "responses": ["1"], "reference": 144}
    assert (tasks[1]["reference"], tasks[2]["responses"]) == (["a", "b"], [[call]])


def test_trl_is_stopped_when_the_server_is_gone_unless_told_otherwise(stub):
    stub.fail(503, times=4)
    with pytest.raises(ServerUnavailable):
        trl.reward_func(stub.url, tries=2)(["p"], ["1"])
    assert trl.reward_func(stub.url, tries=2, unavailable="none")(["p"], ["1"]) == [None]


def test_trl_logs_the_function_by_its_name(stub):
    assert trl.reward_func(stub.url).__name__ == "rewarden"
    assert trl.reward_func(stub.url, name="helpfulness").__name__ == "helpfulness"
    with pytest.raises(ValueError):
        trl.reward_func(stub.url, unavailable="zero")


# OpenRLHF: a file that is loaded by its path.


def test_openrlhf_loads_the_file_by_its_path(stub):
    spec = importlib.util.spec_from_file_location("reward_func", openrlhf.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reply = module.reward_func(["p 1", "q 2"], ["p ", "q "], ["a", None])
    assert reply["rewards"] == [1.0, 2.0]
    assert stub.requests[0]["body"]["labels"] == ["a", None]


# ms-swift: floats only.


def test_ms_swift_registers_a_class_that_gives_floats(stub):
    orm = ms_swift.orms["rewarden"]()
    scores = orm(["1", "2"], messages=[HI + said("1"), HI + said("2")], solution=["a", "a"], trainer_state=None)
    assert scores == [1.0, 2.0]
    assert stub.requests[0]["body"]["tasks"] == [{"messages": HI, "responses": ["1", "2"], "reference": "a"}]


def test_ms_swift_s_floor_is_announced_and_never_a_whole_batch(stub, caplog, monkeypatch):
    monkeypatch.setenv("REWARDEN_FLOOR", "-1")
    orm = ms_swift.RewardenORM()
    with caplog.at_level(logging.WARNING):
        assert orm(["1", "abstain"], messages=[HI, HI]) == [1.0, -1.0]
    assert "1 of 2 completions have no score" in caplog.text
    with pytest.raises(RewardenError, match="none of 2"):
        orm(["abstain", "abstain"], messages=[HI, HI])


# slime: a sample, or a list of them.


def slime_sample(response, **fields):
    return SimpleNamespace(prompt="p", response=response, label="l", metadata={}, group_index=3, **fields)


def test_slime_s_sample_and_group(stub):
    args = SimpleNamespace(rm_url=f"{stub.url}/slime", n_samples_per_prompt=2)
    assert asyncio.run(slime.custom_rm(args, slime_sample("1.5"))) == 1.5
    assert asyncio.run(slime.custom_rm(args, [slime_sample("1"), slime_sample("2")])) == [1.0, 2.0]
    assert stub.requests[0]["body"] == {"prompt": "p", "response": "1.5", "label": "l"}


def test_slime_s_sample_without_a_score_is_removed_and_the_others_keep_theirs(stub, caplog):
    judge = stub.reply

    def refuse_pictures(request):
        samples = request["body"]["samples"] if "samples" in request["body"] else [request["body"]]
        for index, sample in enumerate(samples):
            if sample["response"] == "picture":
                return Refused(400, {"detail": "no pictures", "pointer": f"/samples/{index}/response"})
        return judge(request)

    stub.reply = refuse_pictures
    args = SimpleNamespace(rm_url=f"{stub.url}/slime", n_samples_per_prompt=3)
    group = [slime_sample(text, remove_sample=False) for text in ("1", "picture", "3")]
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(slime.custom_rm(args, group)) == [1.0, 0.0, 3.0]
    assert [sample.remove_sample for sample in group] == [False, True, False]
    assert group[1].metadata == {"rewarden_failed": 1} and "no pictures" in caplog.text
    alone = slime_sample("picture", remove_sample=False)
    assert asyncio.run(slime.custom_rm(args, alone)) == 0.0 and alone.remove_sample


def test_slime_s_sample_brings_its_group_along_where_asked_to(stub, monkeypatch):
    monkeypatch.setenv("REWARDEN_COHORT", "1")
    args = SimpleNamespace(rm_url=None, n_samples_per_prompt=4)
    asyncio.run(slime.custom_rm(args, slime_sample("1")))
    assert (stub.requests[0]["body"]["group_id"], stub.requests[0]["body"]["cohort_size"]) == (3, 4)


# AReaL: one float within 15 seconds, or an exception.


def test_what_is_raised_survives_a_pool_of_processes():
    raised = pickle.loads(pickle.dumps(RequestRefused(422, {"detail": "d", "pointer": "/query/0"})))
    assert (raised.status, raised.pointer, str(raised)) == (422, "/query/0", str(RequestRefused(422, raised.problem)))


def test_areal_gets_a_float_or_an_exception(stub):
    assert areal.reward_fn("p ", "2", [1], [2], answer="4") == 2.0
    assert stub.requests[0]["body"] == {"query": ["p 2"], "prompts": ["p "], "labels": ["4"]}
    stub.fail(422)
    with pytest.raises(RequestRefused):
        areal.reward_fn("p ", "2", [1], [2])
