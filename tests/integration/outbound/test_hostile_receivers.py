import asyncio
import socket
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from nightshift.outbound.exchange import MAX_ANSWER_HEADERS, MAX_INTERIM_ANSWERS
from nightshift.outbound.retry_after import MAX_RETRY_AFTER_S
from nightshift.ports.sender import OutboundAnswer, Outcome
from tests.integration.outbound.receivers import (
    Flood,
    Script,
    call,
    called,
    drips,
    full_backlog,
    receiver,
    says,
    says_then_hangs,
    says_then_resets,
)

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DEADLINE_S = 0.3
SLACK_MS = 1500
"""What a busy machine may add to the deadline."""
MAX_MEMORY = 3 * 1024 * 1024


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (says_then_hangs(), None),
        (says_then_hangs(b"HTTP/1."), None),
        (says_then_hangs(OK + b"X-Half: "), None),
        (says_then_hangs(b"HTTP/1.1 100 Continue\r\n\r\n"), None),
        (says_then_hangs(OK + b"Content-Length: 10\r\n\r\n12345"), 200),
        (says_then_hangs(CHUNKED + b"5\r\nhel"), 200),
        (says_then_hangs(CHUNKED + b"5\r\nhello\r\n0\r\n"), 200),
        (says_then_hangs(OK + b"\r\nuntil the end"), 200),
        (drips(b"", every_s=0.02, each=b"H"), None),
        (drips(OK, every_s=0.02, each=b"x: y\r\n"), None),
        (drips(OK + b"Content-Length: 5000\r\n\r\n", every_s=0.02), 200),
        (drips(CHUNKED, every_s=0.02, each=b"1\r\nx\r\n"), 200),
        (drips(OK + b"\r\n", every_s=0.02), 200),
    ],
)
def test_a_receiver_that_stalls_or_drips_is_cut_off_in_time(
    script: Script, status: int | None
) -> None:
    """However slowly an answer comes, the call ends at its deadline as a time-out."""
    answer = called(script, timeout_s=DEADLINE_S)
    assert (Outcome.TIMED_OUT, status) == (answer.outcome, answer.status)
    assert DEADLINE_S * 1000 - 1 <= answer.elapsed_ms < DEADLINE_S * 1000 + SLACK_MS
    assert not answer.ok


def test_a_receiver_that_never_accepts_is_cut_off_in_time() -> None:
    """A connection that is not taken up ends at the deadline."""

    async def run() -> OutboundAnswer:
        async with full_backlog() as port:
            return await call(port, timeout_s=DEADLINE_S)

    answer = asyncio.run(run())
    assert (answer.outcome, answer.status) == (Outcome.TIMED_OUT, None)
    assert answer.elapsed_ms < DEADLINE_S * 1000 + SLACK_MS


def test_a_receiver_that_does_not_read_is_cut_off_in_time() -> None:
    """A body that nobody reads does not hold the call beyond its deadline."""
    answer = called(says_then_hangs(), timeout_s=DEADLINE_S, body=b"x" * 8_000_000)
    assert answer.outcome is Outcome.TIMED_OUT
    assert answer.elapsed_ms < DEADLINE_S * 1000 + SLACK_MS


def test_an_answer_before_the_body_was_read_is_taken() -> None:
    """A receiver that refuses a large body at its head is heard."""
    script = says_then_hangs(b"HTTP/1.1 413 Content Too Large\r\n" + EMPTY)
    answer = called(script, body=b"x" * 8_000_000)
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 413)


def test_a_closed_port_is_a_failed_connection() -> None:
    """Nobody listening is told apart from a time-out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = asyncio.run(call(taken.getsockname()[1]))
    assert answer.outcome is Outcome.CONNECT_FAILED
    assert "ECONNREFUSED" in answer.detail


FLOODS = {
    "content_length": Flood(
        OK + b"Content-Length: 100000000\r\n\r\n", b"x" * 65536, total=100_000_000
    ),
    "chunked": Flood(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n", total=100_000_000),
    "until_close": Flood(OK + b"\r\n", b"x" * 65536, total=100_000_000),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_huge_answer_is_classified_by_its_status_and_not_read(flood: Flood) -> None:
    """Of 100 MB the first 2 KB are kept, the rest is left unread, and memory stays small."""
    tracemalloc.start()
    try:
        answer = called(flood)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.outcome, answer.status, len(answer.body)) == (Outcome.ANSWERED, 200, 2048)
    assert answer.truncated
    assert answer.ok
    assert flood.written < flood.total / 5
    assert peak < MAX_MEMORY


@pytest.mark.parametrize(
    "flood",
    [
        Flood(OK, b"X-More: and more\r\n" * 500, total=100_000_000),
        Flood(OK + b"X-Long: ", b"x" * 4096, total=100_000_000),
        Flood(OK + b"X-Fold: x\r\n", b" folded\r\n" * 500, total=100_000_000),
        Flood(b"HTTP/1.1 200 ", b"OK" * 2048, total=100_000_000),
        Flood(CHUNKED, b"1;" + b"e" * 4096, total=100_000_000),
        Flood(CHUNKED + b"0\r\n", b"X-Trailer: and more\r\n" * 500, total=100_000_000),
        Flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 100, total=100_000_000),
        Flood(b"", b"\x00\xff" * 2048, total=100_000_000),
        Flood(b"", b"\r\n" * 2048, total=100_000_000),
    ],
    ids=["headers", "header", "folds", "reason", "chunk", "trailers", "1xx", "binary", "line ends"],
)
def test_a_head_without_end_is_given_up_early(flood: Flood) -> None:
    """Endless headers, trailers, interim answers or noise break a protocol bound, not memory."""
    started = time.monotonic()
    tracemalloc.start()
    try:
        answer = called(flood, timeout_s=20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.outcome is Outcome.PROTOCOL_ERROR
    assert peak < MAX_MEMORY
    assert time.monotonic() - started < 10
    assert flood.written < flood.total / 5


def test_many_small_headers_are_given_up() -> None:
    """More headers than an answer may have are a protocol error, though they are short."""
    head = b"".join(b"x%d:\r\n" % n for n in range(MAX_ANSWER_HEADERS + 1))
    answer = called(says(OK + head + b"\r\n"))
    assert answer.outcome is Outcome.PROTOCOL_ERROR


def test_a_few_interim_answers_are_borne() -> None:
    """Early hints before the final answer are passed over."""
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * MAX_INTERIM_ANSWERS
    answer = called(says(b"HTTP/1.1 100 Continue\r\n\r\n", OK + EMPTY))
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 200)
    answer = called(says(interim, OK + EMPTY))
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 200)


@pytest.mark.parametrize(
    ("script", "outcome", "status"),
    [
        (says(), Outcome.RESET, None),
        (says_then_resets(), Outcome.RESET, None),
        (says_then_resets(b"HTTP/1.1 2"), Outcome.RESET, None),
        (says_then_resets(OK + b"Content-Length: 10\r\n\r\n123"), Outcome.RESET, 200),
        (says(b"HTTP/1.1 2"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"Content-Length: 10\r\n\r\n123"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"5\r\nhel"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"5\r\nhello\r\n"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"zz\r\nhello\r\n"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"-5\r\nhello\r\n"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"3\r\nhello\r\n"), Outcome.PROTOCOL_ERROR, 200),
        (says(CHUNKED + b"f" * 40 + b"\r\nhello\r\n"), Outcome.PROTOCOL_ERROR, 200),
        (says(b"hello from 0.9\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"<html>hello</html>"), Outcome.PROTOCOL_ERROR, None),
        (says(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Outcome.PROTOCOL_ERROR, None),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"220 mail.example ESMTP\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"ICY 200 OK\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/2 200\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/1.1 20 OK\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/1.1 2000 OK\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/1.1 -200 OK\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/1.1 099 OK\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"no colon\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"X: \x00\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"Content-Length: x\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"Content-Length: -1\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (
            says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
            Outcome.PROTOCOL_ERROR,
            None,
        ),
        (says(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"Transfer-Encoding: gzip\r\n\r\n"), Outcome.PROTOCOL_ERROR, None),
        (says(OK + b"Content-Length: 3\r\n\r\nabc and more"), Outcome.ANSWERED, 200),
        (says(OK + EMPTY + OK + EMPTY), Outcome.ANSWERED, 200),
        (says(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"), Outcome.ANSWERED, 200),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), Outcome.ANSWERED, 204),
        (says(b"HTTP/1.1 999 Odd\r\n" + EMPTY), Outcome.ANSWERED, 999),
        (says(b"HTTP/1.1 410 Gone\r\n" + EMPTY), Outcome.ANSWERED, 410),
        (says(b"HTTP/1.1 200\r\n" + EMPTY), Outcome.ANSWERED, 200),
    ],
)
def test_what_a_receiver_says_is_classified(
    script: Script, outcome: Outcome, status: int | None
) -> None:
    """Broken, cut off, foreign and odd answers each get their outcome, and nothing is raised."""
    answer = called(script)
    assert (outcome, status) == (answer.outcome, answer.status)


@pytest.mark.parametrize(
    ("status", "value", "low", "high"),
    [
        (429, "17", 17, 17),
        (429, "in an hour", 3500, 3600),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
        (503, "9" * 400, MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
    ],
)
def test_a_receiver_that_asks_for_time_is_heard(
    status: int, value: str, low: float, high: float
) -> None:
    """Both forms of Retry-After arrive as a bounded number of seconds."""
    if value == "in an hour":
        value = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    head = f"HTTP/1.1 {status} Wait\r\nRetry-After: {value}\r\n".encode() + EMPTY
    answer = called(says(head))
    assert (Outcome.ANSWERED, status) == (answer.outcome, answer.status)
    assert answer.retry_after_s is not None
    assert low <= answer.retry_after_s <= high


def test_a_redirect_inside_is_not_followed() -> None:
    """A receiver that redirects to another listening receiver reaches nobody with that."""

    async def run() -> tuple[OutboundAnswer, list[bytes]]:
        async with receiver(says(OK + EMPTY)) as inside:
            location = f"Location: http://127.0.0.1:{inside.port}/\r\n".encode()
            script = says(b"HTTP/1.1 307 Temporary Redirect\r\n" + location + EMPTY)
            async with receiver(script) as outside:
                return await call(outside.port), inside.heads

    answer, heads = asyncio.run(run())
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 307)
    assert heads == []


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy set in the environment is not used: the receiver is called itself."""

    async def run() -> tuple[OutboundAnswer, list[bytes]]:
        async with receiver(says(OK + EMPTY)) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            async with receiver(says(b"HTTP/1.1 202 Accepted\r\n" + EMPTY)) as found:
                return await call(found.port), proxy.heads

    answer, heads = asyncio.run(run())
    assert answer.status == 202
    assert heads == []


def test_a_hostile_receiver_does_not_hold_up_the_others() -> None:
    """Calls in one batch are independent: the good one is done long before the bad ones end."""

    async def run() -> list[OutboundAnswer]:
        async with (
            receiver(says_then_hangs()) as silent,
            receiver(drips(OK + b"\r\n", every_s=0.02)) as slow,
            receiver(says(OK + EMPTY)) as good,
        ):
            ports = (silent.port, slow.port, good.port)
            return await asyncio.gather(*(call(port, timeout_s=DEADLINE_S) for port in ports))

    outcomes = [answer.outcome for answer in asyncio.run(run())]
    assert outcomes == [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.ANSWERED]


def test_two_hundred_calls_at_once_are_all_answered() -> None:
    """A burst through one event loop loses nothing."""

    async def run() -> list[OutboundAnswer]:
        async with receiver(says(OK + EMPTY)) as found:
            return await asyncio.gather(*(call(found.port, timeout_s=20) for _ in range(200)))

    assert all(answer.ok for answer in asyncio.run(run()))
