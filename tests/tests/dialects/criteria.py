"""Scores by criterion: through verl's own reward manager and metrics, NeMo Gym's own reply, and TRL's own trainer."""

import asyncio
import inspect
import json
import sys
from collections import defaultdict
from functools import partial
from types import SimpleNamespace
from typing import Any, Optional

import numpy
from borrowed import define, source
from pydantic import BaseModel, ConfigDict, Field, field_validator

from rewarden_client import Server, trl, verl

url = sys.argv[1]
RIGHT, WRONG = "It is four.", "It is five."
# Of the rubric "fact" weighs 3 and "tone" 1, which does not apply to the wrong answer.
REWARDS = {RIGHT: 1.0, WRONG: 0.0}


# verl: a sample through its reward manager, the batch through what its validation makes of it and its rollout files.

manager = define(
    source("verl", "verl/experimental/reward_loop/reward_manager/naive.py"),
    "NaiveRewardManager",
    {"register": lambda _: None, "RewardManagerBase": object, "inspect": inspect},
)
metrics = source("verl", "verl/trainer/ppo/metric_utils.py")
names = {"np": numpy, "defaultdict": defaultdict, "partial": partial}
names |= {name: define(metrics, name, names) for name in ("bootstrap_metric", "calc_maj_val")}
validated = define(metrics, "process_validation_metrics", names)


class Batch(list):
    """One sample, in verl's `DataProto`'s place."""

    def __getitem__(self, at):
        return Batch(list.__getitem__(self, at)) if isinstance(at, slice) else list.__getitem__(self, at)


def managed(answer):
    async def run():
        own = manager.__new__(manager)
        own.compute_score = partial(verl.compute_score, url=url, criteria=["fact", "tone"])
        own.is_async_reward_score, own.reward_router_address, own.loop = False, None, asyncio.get_running_loop()
        own.tokenizer = SimpleNamespace(decode=lambda *_, **__: answer)
        fields = {"data_source": "sums", "reward_model": {"ground_truth": None}, "extra_info": {"question": "2+2?"}}
        batch = {"responses": numpy.ones(3), "attention_mask": numpy.ones(5, dtype=int)}
        return await own.run_single(Batch([SimpleNamespace(batch=batch, non_tensor_batch=fields)]))

    return asyncio.run(run())


samples = [managed(answer) for answer in (RIGHT, WRONG)]
assert [sample["reward_score"] for sample in samples] == [1.0, 0.0], samples
infos = [sample["reward_extra_info"] for sample in samples]
assert [json.loads(info["rewarden_criteria"]) for info in infos] == [{"fact": 1.0, "tone": 1.0}, {"fact": 0.0}], infos
columns = {key: numpy.array([info[key] for info in infos]).tolist() for key in infos[0]}
found = validated(["sums"] * 2, ["a", "b"], columns)["sums"]
assert found["rewarden_criterion/fact"]["mean@1"] == 0.5 and found["rewarden_criterion/tone"]["mean@1"] == 1.0, found
assert "rewarden_criteria" not in found and found["score"]["mean@1"] == 0.5, found
print("checked: verl's reward manager and its metrics by criterion")


# NeMo Gym: the reply as its class of several rewards reads it.

names = {"BaseModel": BaseModel, "ConfigDict": ConfigDict, "Field": Field, "field_validator": field_validator}
names |= {"Any": Any, "Optional": Optional, "NeMoGymResponse": dict, "NeMoGymResponseCreateParamsNonStreaming": dict}
names["validate_failure_kind"] = define(source("nemo-gym", "nemo_gym/failure_kinds.py"), "validate_failure_kind", {})
base = source("nemo-gym", "nemo_gym/base_resources_server.py")
for name in ("BaseRunRequest", "BaseVerifyRequest", "BaseVerifyResponse", "BaseMultiRewardVerifyResponse"):
    names[name] = define(base, name, names)
    names[name].model_rebuild(_types_namespace=names)
for answer, components in ((RIGHT, {"fact": 1.0, "tone": 1.0}), (WRONG, {"fact": 0.0})):
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer}]}
    request = {
        "responses_create_params": {"input": [{"role": "user", "content": "2+2?"}]},
        "response": {"id": "r", "object": "response", "model": "policy", "output": [message]},
    }
    reply = names["BaseMultiRewardVerifyResponse"].model_validate(Server(url).post("/verify", request))
    own = {name: score for name, score in reply.reward_components.items() if name != "rewarden"}
    assert own == components and reply.reward == REWARDS[answer] and not reply.mask_sample, reply
    assert abs(sum(reply.reward_components.values()) - reply.reward) < 1e-9, reply
print("checked: NeMo Gym's BaseMultiRewardVerifyResponse")


# TRL: what its trainer hands to a reward function to log with.

trainer = SimpleNamespace(_pending_extra_logs=defaultdict(list), _pending_metrics=defaultdict(list))
trainers = source("trl", "trl/trainer/grpo_trainer.py")
log_extra = define(trainers, "GRPOTrainer._log_completion_extra", {})
log_metric = define(trainers, "GRPOTrainer._log_metric", {})
rewards = trl.reward_func(url)(
    ["2+2?"] * 2,
    [RIGHT, WRONG],
    log_extra=partial(log_extra, trainer),
    log_metric=partial(log_metric, trainer),
)
assert rewards == [1.0, 0.0], rewards
assert trainer._pending_metrics["rewarden/criteria/fact"] == [0.5], trainer
assert trainer._pending_metrics["rewarden/criteria/tone"] == [1.0], trainer
table = [json.loads(row) for row in trainer._pending_extra_logs["rewarden_criteria"]]
assert table == [{"fact": 1.0, "tone": 1.0}, {"fact": 0.0, "tone": None}], table
print("checked: TRL's metrics and completions table")
