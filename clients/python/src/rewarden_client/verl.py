"""verl's reward function.

.. code-block:: yaml

    reward:
      custom_reward_function:
        path: .../rewarden_client/verl.py  # what `python -m rewarden_client.verl` prints
        name: compute_score_async        # or compute_score for the managers that are sync only
        reward_kwargs: {url: "http://127.0.0.1:8080", pack: helpful, criteria: [accuracy, tone]}

verl does not hand the prompt to reward functions, so the data's ``extra_info`` must hold the question (``question``,
``prompt`` or ``messages``). With ``group_id`` and ``cohort_size`` there, a pack that compares responses gets the whole
group.

**Criteria.** ``rewarden_criteria`` holds the scores by criterion as JSON text, which verl writes to its rollout files. Those
named by ``criteria`` are numbers of their own as well (``rewarden_criterion/accuracy``), of which verl makes metrics;
``None``, which it leaves out, where a sample has none.

**Failure.** Every reply has the same keys, since verl indexes all samples by the keys of the first. A sample without a
reward has ``score`` 0.0 and ``rewarden_failed`` 1: also when the server cannot be reached, and when it cannot read the sample, whose
reason is logged (``rewarden_failure`` is ``refused``). Only what is wrong for every sample raises: a wrong pack, key or URL, and
samples that are refused one after the other without one that is scored.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rewarden_client.server import RequestRefused, Server, ServerUnavailable

#: The keys of every reply.
KEYS = (
    "score",
    "rewarden_failed",
    "rewarden_failure",
    "rewarden_samples",
    "rewarden_valid",
    "rewarden_tied",
    "rewarden_criteria",
    "rewarden_pack",
)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    url: str | None = None,
    pack: str | None = None,
    api_key: str | None = None,
    criteria: Sequence[str] = (),
    **_host: Any,
) -> dict[str, Any]:
    """One sample's reward, with the keys :data:`KEYS` and one for each of ``criteria``. What verl adds (``reward_router_address`` …) is not used."""
    server = Server.from_env(url=url, pack=pack, api_key=api_key)
    body = {
        "data_source": data_source,
        "solution_str": solution_str,
        "ground_truth": ground_truth,
        "extra_info": extra_info,
    }
    try:
        reply = server.post("/verl/compute_score", body, query={"pack": server.pack})
        server.took()
    except ServerUnavailable:
        reply = _failed("unavailable")
    except (RequestRefused, ValueError, TypeError, RecursionError) as error:
        server.take_refusal(error, f"a sample of {data_source}")
        reply = _failed("refused")
    # Servers of contract 0.2 know no criteria.
    of_response = reply.setdefault("rewarden_criteria", "{}")
    scores = json.loads(of_response) if criteria else {}
    named = {f"rewarden_criterion/{criterion}": scores.get(criterion) for criterion in criteria}
    return {key: reply[key] for key in KEYS} | named


def _failed(why: str) -> dict[str, Any]:
    return dict(zip(KEYS, (0.0, 1, why, 0, 0, 0, "{}", "")))


async def compute_score_async(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None, **kwargs: Any
) -> dict[str, Any]:
    """As :func:`compute_score`, without holding up the event loop."""
    return await asyncio.to_thread(compute_score, data_source, solution_str, ground_truth, extra_info, **kwargs)


def compute_score_batch(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    **kwargs: Any,
) -> list[dict[str, Any]]:
    """The legacy batch manager's form: the rewards in order."""
    if not len(data_sources) == len(solution_strs) == len(ground_truths) == len(extra_infos):
        raise ValueError("expected lists of the same length")
    # As many at once as there are: members of a cohort wait for each other.
    with ThreadPoolExecutor(max(1, min(len(solution_strs), 256))) as pool:
        scored = pool.map(
            lambda sample: compute_score(*sample, **kwargs), zip(data_sources, solution_strs, ground_truths,
            extra_infos)
        )
        return list(scored)


if __name__ == "__main__":
    print(__file__)
