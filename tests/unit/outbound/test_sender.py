import asyncio
from ipaddress import IPv4Address, ip_address

import pytest

from nightshift.outbound.addresses import IPAddress
from nightshift.outbound.connector import Connection
from nightshift.outbound.fakes import RecordingConnector, ScriptedConnection, StubResolver
from nightshift.outbound.sender import MAX_ADDRESSES_TRIED, HttpSender
from nightshift.ports.sender import OutboundRequest, Outcome
from tests.unit.outbound.calls import PUBLIC, PUBLIC_V6, send
from tests.unit.outbound.registry import CLOUD, EMBEDDINGS, SPECIAL_V4, SPECIAL_V6


def test_the_request_goes_out_as_asked() -> None:
    """The request line, Host, headers and body are the caller's; the connection is closed after."""
    connector = RecordingConnector()
    (answer,) = send(connector=connector, headers={"X-A": "b"}, body=b'{"a":1}')
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
    send(url, connector=connector)
    assert [expected] == connector.asked


@pytest.mark.parametrize("bad", [*SPECIAL_V4, *SPECIAL_V6, *CLOUD])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_forbidden_address_condemns_a_name(bad: str, place: int) -> None:
    """A name with a special address among public ones is refused and nothing is connected to."""
    addresses = [PUBLIC, PUBLIC_V6]
    addresses.insert(place, bad)
    connector = RecordingConnector()
    (answer,) = send(resolver=StubResolver({"hook.example": [addresses]}), connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
def test_a_name_with_loopback_inside_ipv6_is_refused_even_in_development(embed: object) -> None:
    """Loopback wrapped in IPv6 is refused although plain loopback is allowed."""
    assert callable(embed)
    resolver = StubResolver({"hook.example": [[embed(IPv4Address("127.0.0.1"))]]})
    connector = RecordingConnector()
    (answer,) = send(resolver=resolver, connector=connector, allow_loopback=True)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


def test_a_late_forbidden_address_condemns_although_it_would_not_be_tried() -> None:
    """Every address is judged, also those beyond the number that is tried."""
    many = [f"93.184.215.{n}" for n in range(MAX_ADDRESSES_TRIED + 3)]
    resolver = StubResolver({"hook.example": [[*many, "10.0.0.1"]]})
    connector = RecordingConnector()
    (answer,) = send(resolver=resolver, connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert connector.asked == []


def test_a_name_is_looked_up_once_and_called_at_thatanswered() -> None:
    """A name that turns inside at the second look is called at the first look's address."""
    resolver = StubResolver({"hook.example": [[PUBLIC], ["127.0.0.1"]]})
    connector = RecordingConnector()
    (answer,) = send(resolver=resolver, connector=connector)
    assert answer.ok
    assert resolver.looks == ["hook.example"]
    assert connector.asked == [(PUBLIC, 80, None)]


def test_every_call_looks_and_judges_anew() -> None:
    """A name that was public at the first call and is inside at the next is refused then."""
    resolver = StubResolver({"hook.example": [[PUBLIC], ["169.254.169.254"], [PUBLIC_V6]]})
    connector = RecordingConnector()
    answers = send(resolver=resolver, connector=connector, times=3)
    expected = [Outcome.ANSWERED, Outcome.REFUSED, Outcome.ANSWERED]
    assert expected == [answer.outcome for answer in answers]
    assert connector.asked == [(PUBLIC, 80, None), (PUBLIC_V6, 80, None)]


def test_the_next_judged_address_is_tried() -> None:
    """When one address does not take the connection, the next one of the same look is tried."""
    resolver = StubResolver({"hook.example": [[PUBLIC_V6, PUBLIC], ["127.0.0.1"]]})
    connector = RecordingConnector(unreachable=[PUBLIC_V6])
    (answer,) = send(resolver=resolver, connector=connector)
    assert answer.ok
    assert connector.asked == [(PUBLIC_V6, 80, None), (PUBLIC, 80, None)]


def test_only_so_many_addresses_are_tried() -> None:
    """A name with very many dead addresses costs a bounded number of connections."""
    many = [f"93.184.215.{n}" for n in range(100)]
    connector = RecordingConnector(unreachable=many)
    (answer,) = send(resolver=StubResolver({"hook.example": [many]}), connector=connector)
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
    (answer,) = send(resolver=resolver, connector=connector, timeout_s=0.2)
    assert answer.ok
    assert [address for address, _, _ in connector.asked] == [PUBLIC_V6, PUBLIC]
    assert 90 <= answer.elapsed_ms < 200


def test_a_last_address_that_swallows_packets_is_a_time_out() -> None:
    """When no address answers in time the call has timed out, and says in which phase."""
    connector = _HangingConnector(unreachable=[PUBLIC])
    (answer,) = send(connector=connector, timeout_s=0.05)
    assert answer.outcome is Outcome.TIMED_OUT
    assert "connecting" in answer.detail


class _HangingResolver(StubResolver):
    async def resolve(self, host: str) -> list[IPAddress]:
        self.looks.append(host)
        await asyncio.Event().wait()
        return [ip_address(PUBLIC)]


def test_a_look_up_that_hangs_is_a_time_out() -> None:
    """The deadline bounds the look-up too."""
    (answer,) = send(resolver=_HangingResolver({}), timeout_s=0.05)
    assert answer.outcome is Outcome.TIMED_OUT
    assert "resolving" in answer.detail


def test_a_name_without_addresses_is_unresolved() -> None:
    """A name that does not exist is told from one that may not be called."""
    (answer,) = send("http://nowhere.example/")
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
    (answer,) = send(url, method=method, headers=headers, resolver=resolver, connector=connector)
    assert answer.outcome is Outcome.REFUSED
    assert (resolver.looks, connector.asked) == ([], [])


def test_the_detail_keeps_what_may_be_secret() -> None:
    """No header value, query string or body shows in the sentence for the log."""
    (answer,) = send(
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
    (answer,) = send(resolver=resolver, connector=connector)
    assert (answer.outcome, answer.status) == (Outcome.ANSWERED, 302)
    assert not answer.ok
    assert (len(resolver.looks), len(connector.asked)) == (1, 1)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_method_without_content_sends_no_length(method: str) -> None:
    """A call without a body says nothing about one where the method expects none."""
    connector = RecordingConnector(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    (answer,) = send(connector=connector, method=method, body=b"")
    assert b"content-length" not in connector.connections[0].written.lower()
    assert (method == "HEAD") == answer.ok


def test_the_callers_headers_win_over_the_defaults() -> None:
    """Accept and Accept-Encoding are only added where the caller gave none."""
    connector = RecordingConnector()
    send(connector=connector, headers={"ACCEPT": "text/plain"})
    written = connector.connections[0].written.lower()
    assert written.count(b"accept: ") == 1
    assert b"accept: text/plain" in written


def test_one_sender_serves_many_event_loops() -> None:
    """A sender made once works in each invocation's own event loop."""
    connector = RecordingConnector()
    sender = HttpSender(resolver=StubResolver({"hook.example": [[PUBLIC]]}), connector=connector)
    request = OutboundRequest(
        method="POST", url="http://hook.example/", headers={}, body=b"", timeout_s=1
    )
    answers = [asyncio.run(sender.send(request)) for _ in range(3)]
    assert all(answer.ok for answer in answers)


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
