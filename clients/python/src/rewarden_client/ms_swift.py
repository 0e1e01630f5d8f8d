"""ms-swift's reward plugin: ``--external_plugins .../rewarden_client/ms_swift.py --reward_funcs rewarden``.

The path is printed by ``python -m rewarden_client.ms_swift``. The server's URL, key and pack come from the environment
(``REWARDEN_URL`` …), the name of the column with the ground truth from ``REWARDEN_REFERENCE`` (default ``solution``; a
data set without it has no references).

**Failure.** ms-swift takes floats only. A completion without a score gets the floor (``REWARDEN_FLOOR``, default 0.0),
and a warning says how many did; if *no* completion of a batch has one, or the server cannot be reached, the call
raises: a batch of nothing but floors teaches nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from rewarden_client.conversation import grouped
from rewarden_client.server import RewardenError, Server

try:
    from swift.rewards.orm import ORM, orms  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # outside ms-swift, such as in this package's tests
    ORM, orms = object, {}

logger = logging.getLogger(__name__)


class RewardenORM(ORM):  # type: ignore[misc]
    """Rewards of a Rewarden server, as an outcome reward model."""

    def __call__(
        self, completions: Sequence[str], messages: Sequence[Sequence[Mapping[str, Any]]] = (), **columns: Any
    ) -> list[float]:
        """One float per completion. ``messages`` are the conversations; a last turn of the assistant's is the
        completion itself.
        """
        if len(messages) != len(completions):
            raise ValueError(f"expected {len(completions)} conversations in `messages`, found {len(messages)}")
        prompts = [said[:-1] if _ends_with_answer(said) else said for said in messages]
        labels = columns.get(os.environ.get("REWARDEN_REFERENCE", "solution")) or [None] * len(completions)
        tasks, places = grouped(prompts, completions, labels)
        judged = Server.from_env().rewards(tasks)
        scores = [None if isinstance(at, str) else judged[at[0]].scores[at[1]] for at in places]
        for place in places:
            if isinstance(place, str):
                logger.warning("a completion has no reward: %s", place)
        missing = sum(score is None for score in scores)
        if missing and missing == len(scores):
            reasons = [at if isinstance(at, str) else judged[at[0]].error for at in places]
            why = next(filter(None, reasons), "the pack abstained")
            raise RewardenError(f"none of {missing} completions has a score: {why}")
        floor = float(os.environ.get("REWARDEN_FLOOR", "0.0"))
        if missing:
            logger.warning("%d of %d completions have no score and get the floor %s", missing, len(scores), floor)
        return [floor if score is None else score for score in scores]


def _ends_with_answer(said: Sequence[Mapping[str, Any]]) -> bool:
    return bool(said) and isinstance(said[-1], Mapping) and said[-1].get("role") == "assistant"


orms["rewarden"] = RewardenORM

if __name__ == "__main__":
    print(__file__)
