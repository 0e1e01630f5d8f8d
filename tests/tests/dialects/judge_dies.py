"""The judge dies at step 7: what each trainer's own code makes of it, against a server whose model fails from then on.

The rows of the table in docs/dialects.md, in its order.
"""

import asyncio
import atexit
import inspect
import json
import logging
import os
import sys
import threading
import types
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import SimpleNamespace

import aiohttp
import numpy
import openai
import requests
from borrowed import define, source

from rewarden_client import RewardenError, Server, areal, ms_swift, slime, trl, verl

url = sys.argv[1]
logging.disable(logging.CRITICAL)
os.environ["REWARDEN_TRIES"] = "1"
ALIVE, DEAD = "step 6", "step 7"


class Impatient:
    """asyncio, for code that waits between its tries."""

    def __getattr__(self, name):
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(_seconds):
        return None


# verl's reward function: the floor, flagged, under the same keys.

manager = define(
    source("verl", "verl/experimental/reward_loop/reward_manager/naive.py"),
    "NaiveRewardManager",
    {"register": lambda _: None, "RewardManagerBase": object, "inspect": inspect},
)


class Batch(list):
    """One sample, in verl's `DataProto`'s place."""

    def __getitem__(self, at):
        return Batch(list.__getitem__(self, at)) if isinstance(at, slice) else list.__getitem__(self, at)


def managed(step):
    async def run():
        own = manager.__new__(manager)
        own.compute_score = partial(verl.compute_score, url=url)
        own.is_async_reward_score, own.reward_router_address, own.loop = False, None, asyncio.get_running_loop()
        own.tokenizer = SimpleNamespace(decode=lambda *_, **__: step)
        fields = {"data_source": "sums", "reward_model": {"ground_truth": "4"}, "extra_info": {"question": "2+2?"}}
        batch = {"responses": numpy.ones(3), "attention_mask": numpy.ones(5, dtype=int)}
        return await own.run_single(Batch([SimpleNamespace(batch=batch, non_tensor_batch=fields)]))

    return asyncio.run(run())


alive, dead = managed(ALIVE), managed(DEAD)
assert alive["reward_score"] > 0 and alive["reward_extra_info"]["rewarden_failed"] == 0, alive
assert dead["reward_score"] == 0.0 and dead["reward_extra_info"]["rewarden_failed"] == 1, dead
assert dead["reward_extra_info"]["rewarden_failure"], dead
assert list(alive["reward_extra_info"]) == list(dead["reward_extra_info"]), (alive, dead)
print("checked: verl's reward function")


# verl's reward model: tried 16 times, then the worker raises.


def text(step):
    return f"<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n{step}<|im_end|>\n"


names = {"asyncio": Impatient(), "aiohttp": aiohttp, "logging": logging, "os": os, "logger": logging.getLogger("verl")}
Worker = define(source("verl", "verl/experimental/reward_loop/reward_loop.py"), "RewardLoopWorker", names)


def disrm(step):
    worker = Worker.__new__(Worker)
    reward_model = SimpleNamespace(model_path="judges/qwen-rm", rollout=SimpleNamespace(name="vllm"))
    worker.config = SimpleNamespace(reward=SimpleNamespace(reward_model=reward_model))
    worker.reward_router_address = url.removeprefix("http://")

    async def templated(_data):
        return text(step)

    worker._preprocess_reward_inputs = templated
    return asyncio.run(worker.compute_score_disrm(None))


assert disrm(ALIVE)["reward_score"] > 0
try:
    disrm(DEAD)
except aiohttp.ClientResponseError as error:
    assert error.status == 502, error
else:
    raise AssertionError("verl's worker went on")
print("checked: verl's reward model")


# TRL: NaN, which takes the completion out of the baseline.

assert trl.reward_func(url, tries=1)(["2+2?"] * 2, [ALIVE, DEAD])[1] is None
print("checked: TRL's callable")


# OpenRLHF: five tries, then reward None.

directory = source("openrlhf", "openrlhf/utils/agent.py").parent
package = types.ModuleType("openrlhf.utils")
package.__path__ = [str(directory)]
sys.modules["openrlhf.utils"] = package
import openrlhf.utils.agent as agents  # noqa: E402

agents.asyncio = Impatient()


def openrlhf(step):
    ids = [ord(char) for char in step]
    output = SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None)

    class Tokenizer:
        def __call__(self, text, **_):
            return {"input_ids": [SimpleNamespace(tolist=lambda: [ord(char) for char in text])]}

        def decode(self, ids, **_):
            return "".join(map(chr, ids))

    class Engine:
        async def generate(self, _ids, _params, **_):
            return SimpleNamespace(outputs=[output])

    executor = agents.SingleTurnAgentExecutor([f"{url}/get_reward"])
    params = SimpleNamespace(max_tokens=100, logprobs=None)
    return asyncio.run(executor.execute("2+2?\n", "4", params, 1000, Tokenizer(), Engine()))


assert openrlhf(ALIVE)["reward"][0] > 0
assert openrlhf(DEAD)["reward"] is None, openrlhf(DEAD)
print("checked: OpenRLHF's executor")


# LLaMA-Factory: a reply without scores stops it.

names = {"json": json, "requests": requests, "torch": SimpleNamespace(Tensor=list)}
ppo = define(source("llamafactory", "llamafactory/train/ppo/ppo_utils.py"), "get_rewards_from_server", names)


def llama(step):
    head = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n2+2?<|eot_id|>"
    return f"{head}<|start_header_id|>assistant<|end_header_id|>\n\n{step}<|eot_id|>"


assert ppo(f"{url}/v1/score/evaluation", [llama(ALIVE)])[0] > 0
try:
    ppo(f"{url}/v1/score/evaluation", [llama(DEAD)])
except KeyError as error:
    assert error.args == ("scores",), error
else:
    raise AssertionError("LLaMA-Factory went on")
print("checked: LLaMA-Factory's PPO")


# NeMo Gym: a failure class, and the mask in both places.


def rollout(step):
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": step}]}
    return {"responses_create_params": {"input": "2+2?"}, "response": {"output": [message]}}


reply = Server(url).post("/verify", rollout(ALIVE))
assert reply["reward"] > 0 and not reply["mask_sample"] and not reply["instance_config"]["mask_sample"], reply
reply = Server(url).post("/verify", rollout(DEAD))
assert reply["_ng_failure_class"] == "judge_failed" and reply["reward"] == 0.0, reply
assert reply["mask_sample"] and reply["instance_config"]["mask_sample"], reply
print("checked: NeMo Gym's reply")


# AReaL: an exception, after its own tries.

reward_api = source("areal", "areal/api/reward_api.py")
names = {
    "Callable": Callable, "ProcessPoolExecutor": ProcessPoolExecutor, "BrokenProcessPool": BrokenProcessPool,
    "asyncio": asyncio, "atexit": atexit, "logger": logging.getLogger("areal"), "os": os, "partial": partial,
    "threading": threading,
}
Wrapper = define(reward_api, "AsyncRewardWrapper", names)
wrapper = Wrapper(areal.reward_fn, max_workers=1, max_retries=1)
arguments = {"prompt": "2+2? ", "prompt_ids": [1], "completion_ids": [2], "answer": "4"}
assert asyncio.run(wrapper(completions=ALIVE, **arguments)) > 0
try:
    asyncio.run(wrapper(completions=DEAD, **arguments))
except RewardenError:
    pass
else:
    raise AssertionError("AReaL went on")
print("checked: AReaL's wrapper")


# slime and ms-swift by their contracts: they are not to be had from PyPI, or not without a GPU's libraries.

args = SimpleNamespace(rm_url=f"{url}/slime", n_samples_per_prompt=1)


def slime_sample(step):
    return SimpleNamespace(prompt="2+2?", response=step, label="4", metadata={}, remove_sample=False)


assert asyncio.run(slime.custom_rm(args, slime_sample(ALIVE))) > 0
try:
    asyncio.run(slime.custom_rm(args, slime_sample(DEAD)))
except RewardenError:
    pass
else:
    raise AssertionError("slime went on")
question = [{"role": "user", "content": "2+2?"}]
scores = ms_swift.RewardenORM()([ALIVE, DEAD], messages=[question, [{"role": "user", "content": "3+3?"}]])
assert scores[0] > 0 and scores[1] == 0.0, scores
try:
    ms_swift.RewardenORM()([DEAD], messages=[question])
except RewardenError:
    pass
else:
    raise AssertionError("ms-swift went on with nothing but floors")
print("checked: the functions for slime and ms-swift")


# OpenAI's graders: the floor and an error flag.

client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
grader = {"type": "score_model", "name": "g", "model": "m", "input": [{"role": "user", "content": "Rate it."}]}
run = client.fine_tuning.alpha.graders.run(grader=grader, item={"question": "2+2?"}, model_sample=DEAD)
assert run.reward == 0.0 and run.metadata.errors.model_grader_server_error, run
print("checked: OpenAI's graders")
