import asyncio
import ssl
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.clock import ManualClock
from nightshift.outbound.addresses import IPAddress
from nightshift.outbound.connector import Connection
from nightshift.outbound.fakes import RecordingConnector, ScriptedConnection, StubResolver
from nightshift.outbound.sender import MAX_ADDRESSES_TRIED, HttpSender
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Outcome
from tests.unit.outbound.registry import CLOUD, EMBEDDINGS, SPECIAL_V4, SPECIAL_V6

NOW = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)
PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:4700::1111"


def _send(
    url: str = "http://hook.example/in?x=1",
    *,
    resolver: StubResolver | None = None,
    connector: RecordingConnector | None = None,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    timeout_s: float = 5.0,
    allow_loopback: bool = False,
    times: int = 1,
) -> list[OutboundAnswer]:
    sender = HttpSender(
        resolver=resolver or StubResolver({"hook.example": [[PUBLIC]]}),
        connector=connector or RecordingConnector(),
        clock=ManualClock(NOW),
        allow_loopback=allow_loopback,
    )
    request = OutboundRequest(
        method=method, url=url, headers=headers or {}, body=body, timeout_s=timeout_s
    )

    async def calls() -> list[OutboundAnswer]:
        answers = [await sender.send(request) for _ in range(times)]
        await sender.aclose()
        return answers

    return asyncio.run(calls())


def _answer(incoming: bytes, **given: str) -> OutboundAnswer:
    (answer,) = _send(connector=RecordingConnector(incoming), **given)  # type: ignore[arg-type]
    return answer


def test_the_request_goes_out_as_asked() -> None:
    """The request line, Host, headers and body are the caller's; the connection is closed after."""
    connector = RecordingConnector()
    (answer,) = _send(connector=connector, headers={"X-A": "b"}, body=b'{"a":1}')
    expected = (
        b"POST /in?x=1 HTTP/1.1\r\nHost: hook.example\r\nConnection: close\r\nX-A: b\r\n"
        b"Accept: */*\r\nAccept-Encoding: identity\r\nContent-Length: 7\r\n\r\n"
        b'{"a":1}'
    )
    (connection,) = connector.connections
    assert expected == connection.written
    assert connection.closed
    assert answer.ok


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://hook.example/", (PUBLIC, 80, None)),
        ("https://hook.example/", (PUBLIC, 443, "hook.example")),
        ("https://HOOK.example.:8443/", (PUBLIC, 8443, "hook.example")),
        (f"https://[{PUBLIC_V6}]/", (PUBLIC_V6, 443, PUBLIC_V6)),
        (f"http://{PUBLIC}:8080/", (PUBLIC, 8080, None)),
    ],
)
def test_the_connection_is_to_the_address_and_tls_to_the_name(
    url: str, expected: tuple[str, int, str | None]
) -> None:
    """The judged address is connected to; the certificate is asked for by the name in the URL."""
    connector = RecordingConnector()
    _send(url, connector=connector)
    assert [expected] == connector.asked


@pytest.mark.parametrize("bad", [*SPECIAL_V4, *SPECIAL_V6, *CLOUD])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_forbidden_address_condemns_a_name(bad: str, place: int) -> None:
    """A name with a special address among public ones is refused and nothing is connected to."""
    addresses = [PUBLIC, PUBLIC_V6]
    addresses.insert(place, bad)
    connector = RecordingConnector()
    (answer,) = _send(resolver=StubResolver({"hook.example": [addresses]}), connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
def test_a_name_with_loopback_inside_ipv6_is_refused_even_in_development(embed: object) -> None:
    """Loopback wrapped in IPv6 is refused although plain loopback is allowed."""
    assert callable(embed)
    resolver = StubResolver({"hook.example": [[embed(IPv4Address("127.0.0.1"))]]})
    connector = RecordingConnector()
    (answer,) = _send(resolver=resolver, connector=connector, allow_loopback=True)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


def test_a_late_forbidden_address_condemns_although_it_would_not_be_tried() -> None:
    """Every address is judged, also those beyond the number that is tried."""
    many = [f"93.184.215.{n}" for n in range(MAX_ADDRESSES_TRIED + 3)]
    resolver = StubResolver({"hook.example": [[*many, "10.0.0.1"]]})
    connector = RecordingConnector()
    (answer,) = _send(resolver=resolver, connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


def test_a_name_is_looked_up_once_and_called_at_that_answer() -> None:
    """A name that turns inside at the second look is called at the first look's address."""
    resolver = StubResolver({"hook.example": [[PUBLIC], ["127.0.0.1"]]})
    connector = RecordingConnector()
    (answer,) = _send(resolver=resolver, connector=connector)
    assert answer.ok
    assert resolver.looks == ["hook.example"]
    assert connector.asked == [(PUBLIC, 80, None)]


def test_every_call_looks_and_judges_anew() -> None:
    """A name that was public at the first call and is inside at the next is refused then."""
    resolver = StubResolver({"hook.example": [[PUBLIC], ["169.254.169.254"], [PUBLIC_V6]]})
    connector = RecordingConnector()
    answers = _send(resolver=resolver, connector=connector, times=3)
    expected = [Outcome.ANSWERED, Outcome.REFUSED, Outcome.ANSWERED]
    assert expected == [answer.outcome for answer in answers]
    assert connector.asked == [(PUBLIC, 80, None), (PUBLIC_V6, 80, None)]


def test_the_next_judged_address_is_tried() -> None:
    """When one address does not take the connection, the next one of the same look is tried."""
    resolver = StubResolver({"hook.example": [[PUBLIC_V6, PUBLIC], ["127.0.0.1"]]})
    connector = RecordingConnector(unreachable=[PUBLIC_V6])
    (answer,) = _send(resolver=resolver, connector=connector)
    assert answer.ok
    assert connector.asked == [(PUBLIC_V6, 80, None), (PUBLIC, 80, None)]


def test_only_so_many_addresses_are_tried() -> None:
    """A name with very many dead addresses costs a bounded number of connections."""
    many = [f"93.184.215.{n}" for n in range(100)]
    connector = RecordingConnector(unreachable=many)
    (answer,) = _send(resolver=StubResolver({"hook.example": [many]}), connector=connector)
    assert answer.outcome is Outcome.CONNECT_FAILED
    assert len(connector.asked) == MAX_ADDRESSES_TRIED


class _HangingConnector(RecordingConnector):
    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        if str(address) in self._unreachable:
            self.asked.append((str(address), port, tls_name))
            await asyncio.Event().wait()
        return await super().connect(address, port, tls_name=tls_name)


def test_an_address_that_swallows_packets_leaves_time_for_the_next() -> None:
    """A silent address gets its share of the time only; the next one is called within the total."""
    resolver = StubResolver({"hook.example": [[PUBLIC_V6, PUBLIC]]})
    connector = _HangingConnector(unreachable=[PUBLIC_V6])
    (answer,) = _send(resolver=resolver, connector=connector, timeout_s=0.2)
    assert answer.ok
    assert [address for address, _, _ in connector.asked] == [PUBLIC_V6, PUBLIC]
    assert 90 <= answer.elapsed_ms < 200


def test_a_last_address_that_swallows_packets_is_a_time_out() -> None:
    """When no address answers in time the call has timed out, and says in which phase."""
    connector = _HangingConnector(unreachable=[PUBLIC])
    (answer,) = _send(connector=connector, timeout_s=0.05)
    assert answer.outcome is Outcome.TIMED_OUT
    assert "connecting" in answer.detail


class _HangingResolver(StubResolver):
    async def resolve(self, host: str) -> list[IPAddress]:
        self.looks.append(host)
        await asyncio.Event().wait()
        return [ip_address(PUBLIC)]


def test_a_look_up_that_hangs_is_a_time_out() -> None:
    """The deadline bounds the look-up too."""
    (answer,) = _send(resolver=_HangingResolver({}), timeout_s=0.05)
    assert answer.outcome is Outcome.TIMED_OUT
    assert "resolving" in answer.detail


def test_a_name_without_addresses_is_unresolved() -> None:
    """A name that does not exist is told from one that may not be called."""
    (answer,) = _send("http://nowhere.example/")
    assert answer.outcome is Outcome.UNRESOLVED
    assert answer.status is None


@pytest.mark.parametrize(
    ("url", "method", "headers"),
    [
        ("http://127.0.0.1/", "POST", {}),
        ("http://[::ffff:10.0.0.1]/", "POST", {}),
        ("http://2130706433/", "POST", {}),
        ("ftp://hook.example/", "POST", {}),
        ("http://u:p@hook.example/", "POST", {}),
        ("not a url", "POST", {}),
        ("http://hook.example/", "CONNECT", {}),
        ("http://hook.example/", "GET / HTTP/1.1\r\nX: y", {}),
        ("http://hook.example/", "post", {}),
        ("http://hook.example/", "POST", {"Host": "inside"}),
        ("http://hook.example/", "POST", {"content-length": "0"}),
        ("http://hook.example/", "POST", {"Transfer-Encoding": "chunked"}),
        ("http://hook.example/", "POST", {"X-A": "b\r\nX-B: c"}),
        ("http://hook.example/", "POST", {"X-A\r\nX-B": "c"}),
        ("http://hook.example/", "POST", {"X-A": "b\0"}),
    ],
)
def test_what_may_not_go_out_is_refused_before_anything_is_looked_up(
    url: str, method: str, headers: dict[str, str]
) -> None:
    """A request that slipped past the checks at creation is refused, without a look-up."""
    resolver, connector = StubResolver({"hook.example": [[PUBLIC]]}), RecordingConnector()
    (answer,) = _send(url, method=method, headers=headers, resolver=resolver, connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert (resolver.looks, connector.asked) == ([], [])


def test_the_detail_keeps_what_may_be_secret() -> None:
    """No header value, query string or body shows in the sentence for the log."""
    (answer,) = _send(
        "http://hook.example/?token=s3cret", headers={"X-Key": "s3cret\n"}, body=b"s3cret"
    )
    assert answer.outcome is Outcome.REFUSED
    assert "s3cret" not in answer.detail


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    """A redirect inside is reported as its status; nothing further is looked up or called."""
    incoming = (
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    )
    resolver, connector = StubResolver({"hook.example": [[PUBLIC]]}), RecordingConnector(incoming)
    (answer,) = _send(resolver=resolver, connector=connector)
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 302)
    assert not answer.ok
    assert (len(resolver.looks), len(connector.asked)) == (1, 1)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_method_without_content_sends_no_length(method: str) -> None:
    """A call without a body says nothing about one where the method expects none."""
    connector = RecordingConnector(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    (answer,) = _send(connector=connector, method=method, body=b"")
    assert b"content-length" not in connector.connections[0].written.lower()
    assert (method == "HEAD") == answer.ok


def test_the_callers_headers_win_over_the_defaults() -> None:
    """Accept and Accept-Encoding are only added where the caller gave none."""
    connector = RecordingConnector()
    _send(connector=connector, headers={"ACCEPT": "text/plain"})
    written = connector.connections[0].written.lower()
    assert written.count(b"accept: ") == 1
    assert b"accept: text/plain" in written


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
    answer = _answer(
        b"HTTP/1.1 503 Service Unavailable\r\n" + header + b"\r\nContent-Length: 0\r\n\r\n"
    )
    assert answer.status == 503
    assert expected == answer.retry_after_s


@pytest.mark.parametrize(
    ("size", "kept", "truncated"), [(0, 0, False), (2048, 2048, False), (2049, 2048, True)]
)
def test_the_first_bytes_of_the_answer_are_kept(size: int, kept: int, truncated: bool) -> None:
    """An answer is kept up to the cap, and says whether there was more."""
    answer = _answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    assert (kept, truncated) == (len(answer.body), answer.truncated)
    assert answer.ok


def test_one_sender_serves_many_event_loops() -> None:
    """A sender made once works in each invocation's own event loop."""
    connector = RecordingConnector()
    sender = HttpSender(resolver=StubResolver({"hook.example": [[PUBLIC]]}), connector=connector)
    request = OutboundRequest(
        method="POST", url="http://hook.example/", headers={}, body=b"", timeout_s=1
    )
    answers = [asyncio.run(sender.send(request)) for _ in range(3)]
    assert all(answer.ok for answer in answers)


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

    async def read(self, limit: int) -> bytes:  # noqa: ARG002 - the protocol's own signature
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
    (answer,) = _send(connector=connector)
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
    (answer,) = _send(resolver=resolver, connector=connector)
    assert (expected, tried) == (answer.outcome, len(connector.asked))


class _SilentConnection(ScriptedConnection):
    async def read(self, limit: int) -> bytes:
        await asyncio.Event().wait()
        return await super().read(limit)


class _SilentConnector(RecordingConnector):
    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        self.asked.append((str(address), port, tls_name))
        self.connections.append(_SilentConnection(b""))
        return self.connections[-1]


def test_cancelling_a_call_closes_its_connection() -> None:
    """A call cut off by its caller leaves no connection behind and is not swallowed."""
    connector = _SilentConnector()
    with pytest.raises(TimeoutError):
        asyncio.run(_cancelled(connector))
    assert connector.connections[0].closed


async def _cancelled(connector: RecordingConnector) -> None:
    sender = HttpSender(resolver=StubResolver({"hook.example": [[PUBLIC]]}), connector=connector)
    request = OutboundRequest(
        method="POST", url="http://hook.example/", headers={}, body=b"", timeout_s=60
    )
    async with asyncio.timeout(0.02):
        await sender.send(request)


_PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 500\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n"),
        *(b"Content-Length: 3\r\n", b"Content-Length: 99999\r\n", b"Content-Length: 0\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"Retry-After: 3\r\n"),
        *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b" folded\r\n", b"Upgrade: h2c\r\n"),
        *(b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/1.1 204 No Content\r\n", b"x" * 3000),
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=20)), max_size=12).map(b"".join))
def test_no_answer_makes_the_sender_raise(incoming: bytes) -> None:
    """Whatever bytes come back, the call ends with an outcome, at most 2 KB and no exception."""
    answer = _answer(incoming)
    assert len(answer.body) <= 2048
    assert answer.outcome in {Outcome.ANSWERED, Outcome.PROTOCOL_ERROR, Outcome.RESET}
    assert answer.status is not None or answer.outcome is not Outcome.ANSWERED
    assert answer.retry_after_s in {None, 3.0}
