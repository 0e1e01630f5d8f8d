"""slime's custom reward model: ``--custom-rm-path rewarden_client.slime.custom_rm`` (with or without ``--group-rm``).

The server's URL is ``--rm-url`` (its scheme, host and port) or ``REWARDEN_URL``; key and pack come from the
environment. With ``--group-rm`` the group is one request. Without it and with ``REWARDEN_COHORT=1``, a sample brings
its group's index and size along, and the server judges the group when it is complete. Where neither key nor group is
needed, ``--rm-type remote_rm --rm-url http://127.0.0.1:8080/slime`` does without this package.

**Failure.** A sample without a score has reward 0.0 and ``remove_sample``, with which slime leaves it out of the loss, and the reason
is logged; ``metadata["rewarden_failed"]`` is 1. slime still counts its 0.0 in the group's mean: leave such groups out with
``--dynamic-sampling-filter-path`` where that matters. A server that cannot be reached within all tries raises, as slime's own
``remote_rm`` does, and so does a wrong pack, key or URL.
"""

from __future__ import annotations

import asyncio
import os
import urllib.parse
from typing import Any

from rewarden_client.server import RequestRefused, Server


async def custom_rm(args: Any, sample: Any, **_kwargs: Any) -> Any:
    """The reward of a sample, or of a list of samples as a list."""
    server = Server.from_env(url=_base(getattr(args, "rm_url", None)))
    if isinstance(sample, list):
        return await _group(server, sample)
    body = _body(sample)
    size = getattr(args, "n_samples_per_prompt", 1)
    group = getattr(sample, "group_index", None)
    if os.environ.get("REWARDEN_COHORT") == "1" and group is not None and size > 1:
        # slime counts its groups through the whole run, so the index alone names one.
        body |= {"group_id": group, "cohort_size": size}
    return await _one(server, sample, body)


async def _group(server: Server, samples: list[Any]) -> list[Any]:
    body = {"samples": [_body(one) for one in samples]}
    try:
        rewards: list[Any] = await asyncio.to_thread(server.post, "/slime/group", body, query={"pack": server.pack})
    except (RequestRefused, ValueError, TypeError, RecursionError) as error:
        place = _place(error)
        if place is None or place >= len(samples):
            return [_removed(server, one, error) for one in samples]
        # The group without the one that is at fault.
        others = samples[:place] + samples[place + 1 :]
        rewards = await _group(server, others) if others else []
        rewards.insert(place, _removed(server, samples[place], error))
        return rewards
    server.took()
    return rewards


def _place(error: Exception) -> int | None:
    steps = error.pointer.split("/")[1:3] if isinstance(error, RequestRefused) else []
    step = steps[1] if len(steps) == 2 and steps[0] == "samples" else ""
    return int(step) if step.isdecimal() else None


async def _one(server: Server, sample: Any, body: dict[str, Any]) -> Any:
    try:
        reward = await asyncio.to_thread(server.post, "/slime", body, query={"pack": server.pack})
    except (RequestRefused, ValueError, TypeError, RecursionError) as error:
        return _removed(server, sample, error)
    server.took()
    return reward


def _removed(server: Server, sample: Any, error: Exception) -> float:
    """Takes a sample out of the loss; the number is there since slime has to have one."""
    server.take_refusal(error, "a sample")
    sample.remove_sample = True
    metadata = getattr(sample, "metadata", None)
    if isinstance(metadata, dict):
        metadata["rewarden_failed"] = 1
    return 0.0


def _body(sample: Any) -> dict[str, Any]:
    body = {"prompt": sample.prompt, "response": sample.response, "label": sample.label}
    metadata = getattr(sample, "metadata", None)
    return body | {"metadata": metadata} if metadata else body


def _base(url: str | None) -> str | None:
    if not url:
        return None
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
