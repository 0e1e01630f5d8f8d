"""TRL's reward functions (GRPO, RLOO and the trainers that share their contract).

.. code-block:: python

    from rewarden_client.trl import reward_func
    trainer = GRPOTrainer(..., reward_funcs=[reward_func("http://127.0.0.1:8080", pack="helpful", reference="answer")])

The completions of a prompt are judged together.

**Criteria.** Where a pack scores by criterion, the mean of each is logged as ``rewarden/criteria/NAME`` over the completions that
have it, and all of them stand in the completions table as JSON text (``rewarden_criteria``).

**Failure.** A completion without a score is ``None``, which TRL leaves out of the baseline and gives no advantage; so is one
that the server cannot read, such as a picture, whose reason is logged. A server that cannot be reached within all tries raises and so stops training; ``unavailable="none"`` makes that ``None``,
too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rewarden_client.conversation import grouped
from rewarden_client.server import Server, ServerUnavailable, logger

RewardFunc = Callable[..., "list[float | None]"]


def reward_func(
    url: str | None = None,
    *,
    pack: str | None = None,
    api_key: str | None = None,
    reference: str | None = None,
    unavailable: Literal["raise", "none"] = "raise",
    name: str = "rewarden",
    **settings: Any,
) -> RewardFunc:
    """A callable for ``reward_funcs``.

    ``reference`` names the data set's column with the ground truth; ``name`` is what TRL logs the rewards under;
    ``settings`` are those of :class:`~rewarden_client.Server`.
    """
    if unavailable not in ("raise", "none"):
        raise ValueError(f"expected unavailable to be 'raise' or 'none', found {unavailable!r}")

    by_criterion = False

    def rewards(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        server = Server.from_env(url=url, pack=pack, api_key=api_key, **settings)
        labels = [None] * len(prompts) if reference is None else columns[reference]
        tasks, places = grouped(prompts, completions, labels)
        for place in places:
            if isinstance(place, str):
                logger.warning("a completion has no reward: %s", place)
        scores: list[float | None]
        criteria: list[dict[str, float | None]]
        try:
            judged = server.rewards(tasks)
            scores = [None if isinstance(at, str) else judged[at[0]].scores[at[1]] for at in places]
            criteria = [{} if isinstance(at, str) else judged[at[0]].criteria(at[1]) for at in places]
        except ServerUnavailable:
            if unavailable == "raise":
                raise
            scores, criteria = [None] * len(places), [{} for _ in places]
        log_metric = columns.get("log_metric")
        if callable(log_metric) and scores:
            log_metric(f"{name}/without_score", sum(score is None for score in scores) / len(scores))
            for criterion in dict.fromkeys(criterion for own in criteria for criterion in own):
                values = [own[criterion] for own in criteria if own.get(criterion) is not None]
                if values:
                    log_metric(f"{name}/criteria/{criterion}", sum(values) / len(values))
        log_extra = columns.get("log_extra")
        nonlocal by_criterion
        by_criterion = by_criterion or any(criteria)
        # In every batch from the first on: TRL wants columns of the same length.
        if callable(log_extra) and by_criterion:
            log_extra(f"{name}_criteria", [json.dumps(own, ensure_ascii=False) for own in criteria])
        return scores

    rewards.__name__ = name
    return rewards
