"""OpenRLHF's own `SingleTurnAgentExecutor`, with a tokenizer and an engine that need no model."""

import asyncio
import logging
import sys
import types
from types import SimpleNamespace

from borrowed import source

import rewarden_client.openrlhf

url = sys.argv[1]

# `openrlhf.utils` itself imports transformers; its module `agent` does not need it.
directory = source("openrlhf", "openrlhf/utils/agent.py").parent
package = types.ModuleType("openrlhf.utils")
package.__path__ = [str(directory)]
sys.modules["openrlhf.utils"] = package
from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402

logging.disable(logging.CRITICAL)


class Tokenizer:
    """One token a character."""

    def __call__(self, text, **_):
        return {"input_ids": [SimpleNamespace(tolist=lambda: [ord(c) for c in text])]}

    def decode(self, ids, **_):
        return "".join(map(chr, ids))


class Engine:
    def __init__(self, answer):
        self.answer = answer

    async def generate(self, _ids, _params, **_):
        ids = [ord(c) for c in self.answer]
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None)])


def reward(endpoints, prompt, answer, label):
    return judged(SingleTurnAgentExecutor(endpoints), prompt, answer, label)


def judged(executor, prompt, answer, label):
    params = SimpleNamespace(max_tokens=100, logprobs=None)
    return asyncio.run(executor.execute(prompt, label, params, 1000, Tokenizer(), Engine(answer)))


for endpoints in ([f"{url}/get_reward"], [f"{url}/get_reward", f"{url}/get_reward"], [rewarden_client.openrlhf.__file__]):
    right = reward(endpoints, "What is 2+2?\n", r"It is \boxed{4}.</s>", "4")
    wrong = reward(endpoints, "What is 2+2?\n", r"It is \boxed{5}.</s>", "4")
    assert (right["reward"], wrong["reward"]) == ([1.0], [0.0]), (endpoints, right, wrong)
    assert right["scores"] == [1.0], right
    # What goes into `torch.tensor([value])` has to be numbers, alone or in lists.
    for name, value in right["extra_logs"].items():
        assert all(isinstance(number, (int, float)) for number in value), (name, value)
print("checked: rewards by one URL, by two, and by the function's file")

# Several URLs are asked in turn: here the same server with two packs, of which the second pays for the word alone.
executor = SingleTurnAgentExecutor([f"{url}/get_reward?pack=rule", f"{url}/get_reward?pack=form"])
turns = [judged(executor, "What is 2+2?\n", r"four, so \boxed{5}", "4")["reward"] for _ in range(4)]
assert turns == [[0.0], [1.0], [0.0], [1.0]], turns
print("checked: URLs are asked in turn, each with the whole request")

executor = SingleTurnAgentExecutor([f"{url}/get_reward"])
replies = asyncio.run(executor._fetch_rewards_via_http(["p a", "q b"], ["p ", "q "], ["a", "c"]))
assert replies[0]["rewards"] == [1.0, 0.0], replies
print("checked: a list of two by the executor's HTTP call")
