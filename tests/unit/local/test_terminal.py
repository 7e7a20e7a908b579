import io
import json
from typing import Any

import pytest

from infra.local.functions.pool import LogLine, Outcome
from infra.local.terminal import Terminal, summaries


@pytest.fixture
def stream() -> io.StringIO:
    """What the terminal shows."""
    return io.StringIO()


def _line(text: str) -> LogLine:
    return LogLine(function="nightshift-local-listener", pid=1, request_id="r", text=text)


def test_a_log_line_becomes_one_tidy_line(stream: io.StringIO) -> None:
    """Time, function, action and fields; long ids by their end."""
    document = {
        "level": "INFO",
        "action": "tick.done",
        "timestamp": "2026-01-01T00:00:00Z",
        "task_id": "01a20077-d8c0-7728-8790-9eca21c8b981",
        "messages": 3,
        "error": None,
    }

    Terminal(stream).log(_line(json.dumps(document)))

    assert stream.getvalue().endswith(
        "listener      tick.done            task=…c8b981 messages=3\n"
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"action": "http.request", "status": 200}, []),
        ({"level": "DEBUG", "action": "x"}, []),
        ({"_aws": {}, "RunsDelivered": 1}, []),
        ({"message": "hello"}, ["hello"]),
        (
            {"action": "jobs.done", "items": ["j completed 2 200 207 3", "k skipped - - - -"]},
            [
                "jobs.done            job=j status=completed attempt=2 answer=200 ms=207 late_ms=3",
                "jobs.done            job=k status=skipped",
            ],
        ),
        ({"action": "jobs.done", "items": ["odd"]}, ["jobs.done            item=odd"]),
        ({"action": "x", "items": [{"a": 1.23456}]}, ["x                    a=1.23"]),
        ({"action": "x", "exception_name": "E"}, ["x                    exception=E"]),
    ],
)
def test_lines_say_what_matters(document: dict[str, Any], expected: list[str]) -> None:
    """Noise is left out, a batch is one line for each item."""
    assert expected == summaries(document)


def test_what_is_no_json_is_shown_as_it_is(stream: io.StringIO) -> None:
    """A traceback reaches the terminal."""
    Terminal(stream).log(_line("ValueError: no"))
    Terminal(stream).log(_line("  "))

    assert stream.getvalue().endswith("listener      ValueError: no\n")
    assert 1 == stream.getvalue().count("\n")


def test_only_a_failed_invocation_is_a_line_of_its_own(stream: io.StringIO) -> None:
    """The error's type and message are shown."""
    failed = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": "too long"}).encode()
    terminal = Terminal(stream)

    terminal.outcome("nightshift-local-api", Outcome(ok=True, body=b"{}", duration_ms=1))
    terminal.outcome("nightshift-local-api", Outcome(ok=False, body=failed, duration_ms=1))

    assert stream.getvalue().endswith("api           Sandbox.Timedout: too long\n")
    assert 1 == stream.getvalue().count("\n")
