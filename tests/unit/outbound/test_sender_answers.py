import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.addresses import IPAddress
from nightshift.outbound.connector import Connection
from nightshift.outbound.fakes import RecordingConnector, ScriptedConnection, StubResolver
from nightshift.ports.sender import Outcome
from tests.unit.outbound.calls import PUBLIC, PUBLIC_V6, answered, send


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Retry-After: 30", 30.0),
        (b"retry-after: Tue, 01 Dec 2026 09:01:00 GMT", 60.0),
        (b"Retry-After: Mon, 30 Nov 2026 00:00:00 GMT", 0.0),
        (b"Retry-After: later", None),
        (b"X: y", None),
        (b"Retry-After: 1\r\nRetry-After: 2", 1.0),
    ],
)
def test_retry_after_is_read(header: bytes, expected: float | None) -> None:
    """The receiver's wish to be left alone is passed on in seconds from now."""
    answer = answered(
        b"HTTP/1.1 503 Service Unavailable\r\n" + header + b"\r\nContent-Length: 0\r\n\r\n"
    )
    assert answer.status == 503
    assert expected == answer.retry_after_s


@pytest.mark.parametrize(
    ("size", "kept", "truncated"), [(0, 0, False), (2048, 2048, False), (2049, 2048, True)]
)
def test_the_first_bytes_of_the_answer_are_kept(size: int, kept: int, truncated: bool) -> None:
    """An answer is kept up to the cap, and says whether there was more."""
    answer = answered(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    assert (kept, truncated) == (len(answer.body), answer.truncated)
    assert answer.ok


class _BrokenConnector(RecordingConnector):
    """Fails with `error` at the first read, or at once when `at_once`."""

    def __init__(self, error: OSError, *, at_once: bool = False) -> None:
        super().__init__()
        self._error = error
        self._at_once = at_once

    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        if self._at_once:
            self.asked.append((str(address), port, tls_name))
            raise self._error
        self.connections.append(_BrokenConnection(self._error))
        return self.connections[-1]


class _BrokenConnection(ScriptedConnection):
    def __init__(self, error: OSError) -> None:
        super().__init__(b"")
        self._error = error

    async def read(self, limit: int) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"), Outcome.TLS_FAILED),
        (ConnectionResetError(104, "reset by 10.0.0.1"), Outcome.RESET),
        (BrokenPipeError(32, "broken pipe"), Outcome.RESET),
        (TimeoutError(110, "the kernel gave up"), Outcome.RESET),
        (OSError(5, "input/output error"), Outcome.RESET),
    ],
)
def test_a_connection_that_breaks_is_classified(error: OSError, expected: Outcome) -> None:
    """Whatever breaks an open connection ends the call with an outcome, and closes it."""
    connector = _BrokenConnector(error)
    (answer,) = send(connector=connector)
    assert expected == answer.outcome
    assert connector.connections[0].closed
    assert "10.0.0.1" not in answer.detail


@pytest.mark.parametrize(
    ("error", "expected", "tried"),
    [
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), Outcome.TLS_FAILED, 1),
        (ssl.SSLCertVerificationError(1, "no"), Outcome.TLS_FAILED, 1),
        (ConnectionRefusedError(111, "refused"), Outcome.CONNECT_FAILED, 2),
        (TimeoutError(110, "the kernel gave up"), Outcome.CONNECT_FAILED, 2),
        (OSError(101, "network is unreachable"), Outcome.CONNECT_FAILED, 2),
        (OSError("several failures"), Outcome.CONNECT_FAILED, 2),
    ],
)
def test_a_connection_that_fails_is_classified(
    error: OSError, expected: Outcome, tried: int
) -> None:
    """An address that does not connect yields to the next one; one that fails TLS does not."""
    connector = _BrokenConnector(error, at_once=True)
    resolver = StubResolver({"hook.example": [[PUBLIC_V6, PUBLIC]]})
    (answer,) = send(resolver=resolver, connector=connector)
    assert (expected, tried) == (answer.outcome, len(connector.asked))


_PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 500\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n"),
        *(b"Content-Length: 3\r\n", b"Content-Length: 99999\r\n", b"Content-Length: 0\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"Retry-After: 3\r\n"),
        *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b" folded\r\n", b"Upgrade: h2c\r\n"),
        *(b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/1.1 204 No Content\r\n", b"x" * 3000),
    ]
)


@settings(deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=20)), max_size=12).map(b"".join))
def test_no_answer_makes_the_sender_raise(incoming: bytes) -> None:
    """Whatever bytes come back, the call ends with an outcome, at most 2 KB and no exception."""
    answer = answered(incoming)
    assert len(answer.body) <= 2048
    assert answer.outcome in {Outcome.ANSWERED, Outcome.PROTOCOL_ERROR, Outcome.RESET}
    assert answer.status is not None or answer.outcome is not Outcome.ANSWERED
    assert answer.retry_after_s in {None, 3.0}
