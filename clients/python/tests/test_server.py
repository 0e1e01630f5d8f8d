"""When a request is sent again, and what it carries."""

import decimal
import enum
import socket

import pytest

from rewarden_client import RequestRefused, Server, ServerUnavailable


def test_a_retry_carries_the_same_idempotency_key_and_waits_as_long_as_the_server_says(stub):
    stub.fail(429, Retry_After="7")
    stub.fail(503)
    assert Server(stub.url).post("/slime", {"response": "1"}) == 1.0
    assert len({request["headers"]["Idempotency-Key"] for request in stub.requests}) == 1
    assert len(stub.requests) == 3
    assert stub.pauses[0] >= 7 and 0 < stub.pauses[1] < 7


def test_every_request_has_a_key_of_its_own(stub):
    server = Server(stub.url)
    server.post("/slime", {"response": "1"})
    server.post("/slime", {"response": "1"})
    assert len({request["headers"]["Idempotency-Key"] for request in stub.requests}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500])
def test_what_trying_again_cannot_help_is_raised_at_once(stub, status):
    stub.fail(status)
    with pytest.raises(RequestRefused, match=f"laid out {status}") as caught:
        Server(stub.url).post("/slime", {})
    assert caught.value.status == status and len(stub.requests) == 1


def test_after_the_last_try_the_last_reason_is_given(stub):
    stub.fail(503, times=9)
    with pytest.raises(ServerUnavailable, match="503: laid out 503"):
        Server(stub.url, tries=3).post("/slime", {})
    assert len(stub.requests) == 3


def test_a_server_that_is_not_there_is_unavailable(stub):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServerUnavailable, match="refused"):
        Server(url, tries=2).post("/slime", {})


def test_a_deadline_ends_the_tries(stub):
    stub.fail(503, times=9, Retry_After="30")
    with pytest.raises(ServerUnavailable):
        Server(stub.url, deadline=5.0).post("/slime", {})
    assert len(stub.requests) == 1


def test_the_key_goes_into_the_header_and_the_pack_into_the_body(stub):
    Server(stub.url, api_key="k", pack="helpful").rewards([{"prompt": "p", "responses": ["1"]}])
    assert stub.requests[0]["headers"]["Authorization"] == "Bearer k"
    assert stub.requests[0]["body"]["pack"] == "helpful"


def test_many_tasks_go_in_several_requests_and_come_back_in_order(stub):
    tasks = [{"prompt": "p", "responses": [str(number)]} for number in range(10)]
    rewards = Server(stub.url, batch=3).rewards(tasks)
    assert [reward.scores for reward in rewards] == [[float(number)] for number in range(10)]
    assert len(stub.requests) == 4


def test_values_of_arrays_and_objects_are_sent_as_plain_json(stub):
    class Array:
        def tolist(self):
            return [1, 2]

    Server(stub.url).post("/slime", {"response": "1", "a": Array(), "b": object})
    body = stub.requests[0]["body"]
    assert body["a"] == [1, 2] and isinstance(body["b"], str)


def test_settings_that_make_no_sense_are_refused(stub, monkeypatch):
    with pytest.raises(ValueError, match="http"):
        Server("127.0.0.1:8080")
    with pytest.raises(ValueError):
        Server(stub.url, tries=0)
    monkeypatch.delenv("REWARDEN_URL")
    with pytest.raises(ValueError, match="REWARDEN_URL"):
        Server.from_env()


def test_values_of_any_kind_are_json(stub):
    class Label(str, enum.Enum):
        A = "a"

    class NAType:
        pass

    sent = {"a": Label.A, "b": decimal.Decimal("1E+3"), "c": NAType(), "d": (1, {2}), "e": b"x", "f": float("nan"), "g": "\ud83d", "h": -(2**63) - 1}
    Server(stub.url).post("/slime", {"response": "1", **sent})
    body = stub.requests[0]["body"]
    expected = {"a": "a", "b": "1000", "c": None, "d": [1, [2]], "e": "x", "f": None, "g": "\ufffd", "h": "-9223372036854775809"}
    assert {key: body[key] for key in sent} == expected
