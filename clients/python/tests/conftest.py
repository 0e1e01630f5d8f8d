"""A server that answers what a test has laid out for it and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rewarden_client import server as server_module


class Refused:
    """A reply that is a problem."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem


class Stub:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        #: Replies to give, first one first: (status, body, headers). When none is left, :attr:`reply` makes one.
        self.replies: list[tuple[int, Any, dict[str, str]]] = []
        self.reply: Any = score_by_first_word
        self.url = ""
        self._lock = threading.Lock()

    def fail(self, status: int, times: int = 1, **headers: str) -> None:
        problem = {"type": "/problems/x", "detail": f"laid out {status}"}
        self.replies += [(status, problem, headers)] * times

    def answer(self, request: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        with self._lock:
            self.requests.append(request)
            if self.replies:
                return self.replies.pop(0)
        reply = self.reply(request)
        return (reply.status, reply.problem, {}) if isinstance(reply, Refused) else (200, reply, {})


def score_by_first_word(request: dict[str, Any]) -> Any:
    """What a Rewarden server answers whose pack gives a response the number that it begins with, or abstains."""

    def score(response: str) -> float | None:
        word = response.split(" ")[0] if isinstance(response, str) else "0"
        return None if word == "abstain" else float(word)

    body = request["body"]
    match request["path"]:
        case "/v1/reward":
            answers = []
            for task in body["tasks"]:
                if "refuse" in task["responses"]:
                    answers.append({"scores": [], "error": {"kind": "policy_refused", "message": "too few"}})
                else:
                    answers.append({"scores": [score(response) for response in task["responses"]], "error": None})
            return {"rewards": answers}
        case "/get_reward":
            rewards = [score(query.removeprefix(prompt)) for query, prompt in zip(body["query"], body["prompts"])]
            return {"rewards": rewards, "scores": rewards, "extra_logs": {"rewarden_valid": [1] * len(rewards)}}
        case "/slime":
            return score(body["response"])
        case "/slime/group":
            return [score(sample["response"]) for sample in body["samples"]]
        case "/verl/compute_score":
            value = score(body["solution_str"])
            return {
                "score": 0.0 if value is None else value,
                "rewarden_failed": int(value is None),
                "rewarden_failure": "abstained" if value is None else "",
                "rewarden_samples": 4,
                "rewarden_valid": 4,
                "rewarden_tied": 0,
                "rewarden_criteria": '{"tone": 0.5}',
                "rewarden_pack": "stub@1",
                "of_a_newer_server": 1,
            }
    raise AssertionError(request["path"])


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    laid_out = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            path, _, query = self.path.partition("?")
            request = {"path": path, "query": query, "headers": dict(self.headers), "body": json.loads(text)}
            status, body, headers = laid_out.answer(request)
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    laid_out.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    for name in ("API_KEY", "PACK", "TIMEOUT", "TRIES", "REFERENCE", "FLOOR", "COHORT"):
        monkeypatch.delenv(f"REWARDEN_{name}", raising=False)
    monkeypatch.setenv("REWARDEN_URL", laid_out.url)
    # Pauses are asked for, not waited out.
    pauses: list[float] = []
    monkeypatch.setattr(server_module.time, "sleep", pauses.append)
    laid_out.pauses = pauses  # type: ignore[attr-defined]
    yield laid_out
    http.shutdown()
    http.server_close()
