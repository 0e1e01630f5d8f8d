"""The HTTP side: one server, its key, and when to try again."""

from __future__ import annotations

import functools
import json
import logging
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rewarden_client.wire import plain

logger = logging.getLogger(__name__)

#: Statuses after which the same request may succeed: too many requests, model failed, unavailable, timed out.
RETRIED = frozenset({429, 502, 503, 504})

#: Statuses of a request whose content is at fault: not read, too large, not rewarded.
OF_CONTENT = frozenset({400, 413, 422})

#: Refusals one after the other, with no score between them, after which the set-up is at fault and not a sample.
REFUSALS = 64

#: The longest pause between two tries, in seconds.
LONGEST_PAUSE = 30.0


class RewardenError(Exception):
    """There is no reward."""


class RequestRefused(RewardenError):
    """The server says that the request itself is at fault; trying again does not help."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        #: The HTTP status.
        self.status = status
        #: The problem document (RFC 9457), or ``{"detail": ...}`` if the server sent something else.
        self.problem = dict(problem)
        pointer = f" at {problem['pointer']}" if problem.get("pointer") else ""
        super().__init__(f"the server refused the request ({status}){pointer}: {problem.get('detail')}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Trainers call reward functions in pools of processes, which have to hand on what is raised.
        return RequestRefused, (self.status, self.problem)

    @property
    def pointer(self) -> str:
        """The JSON pointer of the field at fault, empty where there is none."""
        return str(self.problem.get("pointer") or "")

    @property
    def is_of_content(self) -> bool:
        """Whether what was sent is at fault: another sample may be taken. Else the key, the pack or the URL are."""
        whole = ("/pack", "/sampling", "/set", "/cohort")
        return self.status in OF_CONTENT and not self.pointer.startswith(whole)


class ServerUnavailable(RewardenError):
    """The server could not be reached, or could not answer, within all tries."""


@dataclass(frozen=True)
class Reward:
    """What became of one task."""

    #: One number per response, ``None`` where there is no score. All ``None`` if the task has no reward.
    scores: list[float | None]
    #: Why there is no reward, or ``None``.
    error: str | None
    #: The server's whole answer.
    answer: dict[str, Any]

    def criteria(self, response: int) -> dict[str, float | None]:
        """The scores of one response by criterion; ``None`` where a criterion does not apply to it."""
        entries = self.answer.get("criteria") or []
        return {entry["criterion"]: entry["score"] for entry in entries if entry["response"] == response}


class Server:
    """A Rewarden server.

    ``timeout`` is seconds for one try, ``tries`` how often a request is sent at most, ``deadline`` seconds for all of
    them. A retried request carries the same idempotency key, so that nothing is sampled twice.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        pack: str | None = None,
        timeout: float = 120.0,
        tries: int = 6,
        deadline: float | None = None,
        batch: int = 64,
        workers: int = 8,
    ) -> None:
        scheme = urllib.parse.urlsplit(url).scheme
        if scheme not in ("http", "https"):
            raise ValueError(f"expected an http or https URL of the Rewarden server, found {url!r}")
        if tries < 1 or timeout <= 0 or batch < 1 or workers < 1:
            raise ValueError("expected tries, batch and workers of at least 1 and a timeout above 0")
        self.url = url.rstrip("/")
        self.pack = pack
        self.timeout = timeout
        self.tries = tries
        self.deadline = deadline
        self.batch = batch
        self.workers = workers
        self._api_key = api_key
        self._refused = 0

    @staticmethod
    def from_env(**overrides: Any) -> Server:
        """From ``REWARDEN_URL`` and, if set, ``REWARDEN_API_KEY``, ``REWARDEN_PACK``, ``REWARDEN_TIMEOUT`` and
        ``REWARDEN_TRIES``.

        Keyword arguments that are not ``None`` win. Servers with the same settings are the same object.
        """
        settings: dict[str, Any] = {
            "url": os.environ.get("REWARDEN_URL"),
            "api_key": os.environ.get("REWARDEN_API_KEY"),
            "pack": os.environ.get("REWARDEN_PACK"),
        }
        if "REWARDEN_TIMEOUT" in os.environ:
            settings["timeout"] = float(os.environ["REWARDEN_TIMEOUT"])
        if "REWARDEN_TRIES" in os.environ:
            settings["tries"] = int(os.environ["REWARDEN_TRIES"])
        settings.update({name: value for name, value in overrides.items() if value is not None})
        if not settings["url"]:
            raise ValueError("no Rewarden server: set REWARDEN_URL, or give `url`")
        named: tuple[tuple[str, Any], ...] = tuple(sorted(settings.items()))
        return _shared(named)

    def post(self, path: str, body: Any, *, query: Mapping[str, Any] | None = None) -> Any:
        """Posts JSON and gives the reply's JSON back; ``query`` goes into the URL, entries of ``None`` left out.

        Raises :class:`RequestRefused` or :class:`ServerUnavailable`.
        """
        pairs = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(pairs)}" if pairs else "")
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        data = json.dumps(plain(body), allow_nan=False).encode()
        end = None if self.deadline is None else time.monotonic() + self.deadline
        last = "no try was made"
        for attempt in range(self.tries):
            timeout = self.timeout if end is None else min(self.timeout, end - time.monotonic())
            if timeout <= 0:
                break
            pause = min(2.0**attempt, LONGEST_PAUSE) * (0.5 + random.random() / 2)
            request = urllib.request.Request(target, data=data, headers=headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=timeout) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code not in RETRIED:
                    raise RequestRefused(error.code, problem) from None
                last = f"{error.code}: {problem.get('detail')}"
                pause = max(pause, _seconds(error.headers.get("Retry-After")))
            except (OSError, ValueError) as error:
                # No connection, a time-out, or a reply that was cut off.
                last = f"{type(error).__name__}: {error}"
            if attempt + 1 == self.tries or (end is not None and time.monotonic() + pause >= end):
                break
            time.sleep(pause)
        raise ServerUnavailable(f"{target} gave no answer: {last}")

    def take_refusal(self, error: Exception, what: str) -> str:
        """Logs why one sample of a batch has no reward, and gives the reason back.

        Raises ``error`` if more than the sample is at fault: the key, the pack or the URL, or :data:`REFUSALS` samples one after
        the other.
        """
        if isinstance(error, RequestRefused) and not error.is_of_content:
            raise error
        self._refused += 1
        if self._refused >= REFUSALS:
            raise error
        logger.warning("%s has no reward: %s", what, error)
        return str(error)

    def took(self) -> None:
        """Notes that a sample was scored, so that the set-up is not at fault."""
        self._refused = 0

    def rewards(self, tasks: Sequence[Mapping[str, Any]]) -> list[Reward]:
        """The rewards of tasks as the native API takes them (``prompt`` or ``messages``, ``responses`` …), in order.

        A task that the server cannot read has an error and no scores; the others have theirs.
        """
        chunks = [tasks[start : start + self.batch] for start in range(0, len(tasks), self.batch)]
        if len(chunks) <= 1:
            return [reward for chunk in chunks for reward in self._chunk(chunk)]
        with ThreadPoolExecutor(self.workers) as pool:
            return [reward for rewards in pool.map(self._chunk, chunks) for reward in rewards]

    def _chunk(self, tasks: Sequence[Mapping[str, Any]]) -> list[Reward]:
        body: dict[str, Any] = {"tasks": list(tasks)}
        if self.pack is not None:
            body["pack"] = self.pack
        try:
            answers = self.post("/v1/reward", body)["rewards"]
        except RequestRefused as error:
            if not error.is_of_content:
                raise
            return self._without_refused(tasks, error)
        except (ValueError, TypeError, RecursionError) as error:
            return self._without_refused(tasks, error)
        self.took()
        if len(answers) != len(tasks):
            raise RewardenError(f"expected {len(tasks)} rewards, found {len(answers)}")
        return [_reward(answer, len(task["responses"])) for answer, task in zip(answers, tasks)]


    def _without_refused(self, tasks: Sequence[Mapping[str, Any]], error: Exception) -> list[Reward]:
        """The rewards of a chunk that the server refused as a whole, since it takes or refuses all tasks of a request."""
        if len(tasks) == 1:
            reason = self.take_refusal(error, f"a task of {len(tasks[0]['responses'])} responses")
            return [Reward([None] * len(tasks[0]["responses"]), reason, {})]
        named = error.pointer.split("/")[1:3] if isinstance(error, RequestRefused) else []
        at = int(named[1]) if len(named) == 2 and named[0] == "tasks" and named[1].isdecimal() else None
        # The one that is named goes by itself; where none is, each half.
        cuts = (len(tasks) // 2,) if at is None or at >= len(tasks) else (at, at + 1)
        pieces = [tasks[start:end] for start, end in zip((0, *cuts), (*cuts, len(tasks))) if start < end]
        return [reward for piece in pieces for reward in self._chunk(piece)]


@functools.lru_cache(maxsize=64)
def _shared(settings: tuple[tuple[str, Any], ...]) -> Server:
    named = dict(settings)
    return Server(named.pop("url"), **named)


def _reward(answer: dict[str, Any], responses: int) -> Reward:
    error = answer.get("error")
    if error is not None:
        return Reward([None] * responses, f"{error.get('kind')}: {error.get('message')}", answer)
    scores = answer["scores"]
    if len(scores) != responses:
        raise RewardenError(f"expected {responses} scores, found {len(scores)}")
    return Reward(scores, None, answer)


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    text = error.read().decode("utf-8", "replace")
    try:
        problem = json.loads(text)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": text[:500]}


def _seconds(header: str | None) -> float:
    try:
        return min(max(float(header or 0), 0.0), LONGEST_PAUSE)
    except ValueError:
        return 0.0
