import base64
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from nightshift.core.clock import ManualClock
from nightshift.dummy.ledger import MemoryLedger
from nightshift.dummy.webhook import MAX_BODY_CHARS, MAX_COUNT, DummyWebhook, fails

START = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)


class Bench:
    """A dummy webhook with what it wrote and how long it slept."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.slept: list[float] = []
        self.lines: list[str] = []
        self.webhook = DummyWebhook(
            ledger=MemoryLedger(),
            clock=self.clock,
            random=Random(1),  # noqa: S311 - the same delays in every run
            sleep=self.slept.append,
            log=self.lines.append,
        )

    def ask(
        self,
        method: str,
        below: str = "",
        body: str | None = None,
        *,
        query: dict[str, str] | None = None,
        encoded: bool = False,
    ) -> tuple[int, Any]:
        """Send one event, shaped as API Gateway shapes it; return status and parsed body."""
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": f"/dev/dummy-webhook{below}",
            "headers": {"webhook-id": "run-1"},
            "requestContext": {"http": {"method": method}},
            "isBase64Encoded": encoded,
        }
        if body is not None:
            event["body"] = body
        if query is not None:
            event["queryStringParameters"] = query
        answer = self.webhook.answer(event)
        kind = "application/json" if answer["statusCode"] < 400 else "application/problem+json"
        assert {"content-type": kind} == answer["headers"]
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def bench() -> Bench:
    """A fresh webhook that was never called."""
    return Bench()


def test_every_seventh_and_eleventh_request_fails(bench: Bench) -> None:
    """Of 80 requests exactly those divisible by 7 or 11 are answered 500, the rest 200."""
    found = [number for number in range(1, 81) if bench.ask("POST", body="{}")[0] == 500]
    expected = sorted({*range(7, 81, 7), *range(11, 81, 11)})
    assert expected == found
    assert expected == [number for number in range(1, 81) if fails(number)]


def test_a_request_takes_100_to_500_ms(bench: Bench) -> None:
    """Each call waits once, at random within its bounds; looking at it does not wait."""
    for _ in range(200):
        bench.ask("POST", body="{}")
    bench.ask("GET")
    assert len(bench.slept) == 200
    assert all(0.1 <= delay <= 0.5 for delay in bench.slept)
    assert max(bench.slept) - min(bench.slept) > 0.3


def test_a_request_body_is_logged_as_one_line(bench: Bench) -> None:
    """The body reaches the log whole, with its number and answer, headers do not."""
    bench.ask("POST", body='{"a": "line\\nend"}')
    (line,) = bench.lines
    found = json.loads(line)
    assert "\n" not in line
    assert (found["action"], found["body"]) == ("dummy_webhook.called", '{"a": "line\\nend"}')
    assert (found["count"], found["answered"], found["method"]) == (1, 200, "POST")
    assert "headers" not in found


def test_an_encoded_body_is_decoded(bench: Bench) -> None:
    """A body that API Gateway passes in base64 is logged as text, odd bytes marked."""
    bench.ask("POST", body=base64.b64encode(b"caf\xc3\xa9 \xff").decode(), encoded=True)
    assert json.loads(bench.lines[0])["body"] == "café \N{REPLACEMENT CHARACTER}"


def test_the_count_is_told_and_set(bench: Bench) -> None:
    """The count starts at 0, grows with each call, and can be set to steer the next answer."""
    assert bench.ask("GET") == (200, {"count": 0})
    assert bench.ask("POST", body="{}") == (200, {"count": 1})
    assert bench.ask("PUT", "/count", '{"count": 6}') == (200, {"count": 6})
    assert bench.ask("POST", body="{}")[0] == 500
    assert bench.ask("GET") == (200, {"count": 7})


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "3", "null", "{}", '{"count": -1}', '{"count": "3"}', '{"count": true}'),
        *('{"count": 1.5}', '{"count": null}', '{"count": 1, "x": 2}'),
        f'{{"count": {MAX_COUNT + 1}}}',
    ],
)
def test_a_bad_count_is_refused(bench: Bench, body: str) -> None:
    """A body that is not a count is a 422 problem and changes nothing."""
    bench.ask("POST", body="{}")
    status, problem = bench.ask("PUT", "/count", body)
    assert (status, problem["error"]) == (422, "validation_failed")
    assert bench.ask("GET") == (200, {"count": 1})


def test_the_latest_requests_are_listed_newest_first(bench: Bench) -> None:
    """What was received can be read back with headers, body, time and answer."""
    for number in range(3):
        bench.ask("POST", body=f'{{"n": {number}}}')
        bench.clock.advance(seconds=1)
    status, body = bench.ask("GET", "/requests", query={"limit": "2"})
    assert status == 200
    assert [item["body"] for item in body["items"]] == ['{"n": 2}', '{"n": 1}']
    expected = {
        "count": 3,
        "received_at": "2026-12-01T09:00:02Z",
        "method": "POST",
        "headers": {"webhook-id": "run-1"},
        "body": '{"n": 2}',
        "answered": 200,
    }
    assert expected == body["items"][0]


def test_a_large_body_is_kept_in_part(bench: Bench) -> None:
    """A body too large to keep is kept in part, and logged whole."""
    bench.ask("POST", body="x" * (MAX_BODY_CHARS + 1))
    _, body = bench.ask("GET", "/requests")
    assert len(body["items"][0]["body"]) == MAX_BODY_CHARS
    assert len(json.loads(bench.lines[0])["body"]) == MAX_BODY_CHARS + 1


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1" * 5000, "1.0"])
def test_a_bad_limit_is_refused(bench: Bench, limit: str) -> None:
    """A limit out of bounds is a 422 problem."""
    assert bench.ask("GET", "/requests", query={"limit": limit})[0] == 422


@pytest.mark.parametrize(
    ("method", "below", "expected"),
    [
        ("DELETE", "/count", 405),
        ("POST", "/requests", 405),
        ("GET", "/nothing", 404),
        ("PATCH", "", 200),
        ("PUT", "/", 200),
    ],
)
def test_other_routes_say_so(bench: Bench, method: str, below: str, expected: int) -> None:
    """A path or method that is not there is a problem; any method but GET is a call."""
    assert expected == bench.ask(method, below)[0]


def test_a_call_counts_once_however_it_is_answered() -> None:
    """Failing calls count as well as good ones."""
    bench = Bench()
    for _ in range(14):
        bench.ask("POST")
    assert bench.ask("GET") == (200, {"count": 14})
