"""The front between a raw client and a scripted upstream, both on loopback sockets."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infra.local.front import Front, Target
from infra.local.http1 import Exchange, port_of, serve

Upstream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"GET /api/v1/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1\r\n"


class Wire:
    """What the upstream saw, and what the client got."""

    def __init__(self) -> None:
        self.seen = b""
        self.target = Target(http_api="abc")

    def talk(self, sent: bytes, upstream: Upstream | None = None, *, half: bool = True) -> bytes:
        """Send bytes to the front, with `upstream` behind it; return all that comes back."""

        async def main() -> bytes:
            behind = await asyncio.start_server(upstream or self.answering(b""), "127.0.0.1", 0)
            self.target.port = port_of(behind)
            front = await serve(Front(self.target).handle, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(front))
            writer.write(sent)
            if half:
                writer.write_eof()
            got = await asyncio.wait_for(reader.read(), 10)
            await _close(writer, front, behind)
            return got

        return asyncio.run(main())

    def answering(self, answer: bytes) -> Upstream:
        """Return an upstream that reads a request's head and body and sends `answer`."""

        async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            self.seen = head
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    self.seen += await reader.readexactly(int(line.partition(b":")[2]))
                if line.startswith(b"transfer-encoding:"):
                    self.seen += await reader.readuntil(b"0\r\n\r\n")
            writer.write(answer)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            writer.close()

        return upstream


@pytest.fixture
def wire() -> Wire:
    """A front with nothing said yet."""
    return Wire()


def test_a_request_goes_to_the_api_under_its_own_path(wire: Wire) -> None:
    """Method, path, query and headers are kept, what belongs to a hop or lies is not."""
    ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    got = wire.talk(
        HEAD + b"X-Kept: Yes\r\nx-forwarded-for: 9.9.9.9\r\nTE: trailers\r\n\r\n",
        wire.answering(ok),
    )

    assert wire.seen.startswith(b"GET /_aws/execute-api/abc/$default/api/v1/x?y=1 HTTP/1.1\r\n")
    assert b"X-Kept: Yes" in wire.seen
    assert b"9.9.9.9" not in wire.seen
    assert b"x-forwarded-for: 127.0.0.1" in wire.seen
    assert b"trailers" not in wire.seen
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nok")


def test_status_reason_and_repeated_headers_are_kept(wire: Wire) -> None:
    """The answer is the upstream's, byte for byte."""
    answer = (
        b"HTTP/1.1 418 Short And Stout\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"X-Odd: a\tb\r\nContent-Length: 3\r\n\r\n\x00\xff\n"
    )

    got = wire.talk(HEAD + b"\r\n", wire.answering(answer))

    assert answer == got


def test_a_chunked_answer_arrives_while_it_is_made(wire: Wire) -> None:
    """The first piece is with the client before the upstream sends the second."""

    async def main() -> bytes:
        go = asyncio.Event()

        async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            await go.wait()
            writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        behind = await asyncio.start_server(upstream, "127.0.0.1", 0)
        wire.target.port = port_of(behind)
        front = await serve(Front(wire.target).handle, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(front))
        writer.write(HEAD + b"connection: close\r\n\r\n")
        early = await asyncio.wait_for(reader.readuntil(b"one"), 5)
        go.set()
        late = await asyncio.wait_for(reader.read(), 5)
        await _close(writer, front, behind)
        return early + late

    assert asyncio.run(main()).endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_a_chunked_request_is_passed_on_chunked(wire: Wire) -> None:
    """A body whose length nobody knows yet is streamed."""
    ok = b"HTTP/1.1 204 No Content\r\n\r\n"

    wire.talk(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", wire.answering(ok))

    assert wire.seen.endswith(b"3\r\nabc\r\n0\r\n\r\n")


def test_an_upstream_that_breaks_off_before_its_answer_is_a_502(wire: Wire) -> None:
    """The client is told, in a document."""
    got = wire.talk(HEAD + b"\r\n", wire.answering(b""))

    assert got.startswith(b"HTTP/1.1 502 ")
    assert 502 == _document(got)["status"]


def test_an_upstream_that_breaks_off_in_its_answer_breaks_the_connection(wire: Wire) -> None:
    """Half an answer never looks like a whole one."""
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"

    got = wire.talk(HEAD + b"\r\n", wire.answering(half), half=False)

    assert got.endswith(b"half")


@pytest.mark.parametrize("host", [b"evil.example.com", b"127.0.0.1.evil.com", b"localhost@x", b""])
def test_other_hosts_are_refused(wire: Wire, host: bytes) -> None:
    """Names that are not this machine's loopback get 421 and reach nothing."""
    got = wire.talk(b"GET / HTTP/1.1\r\nhost: " + host + b"\r\n\r\n")

    assert got.startswith(b"HTTP/1.1 421 ")
    assert b"" == wire.seen


@pytest.mark.parametrize("host", [b"LOCALHOST:8787", b"127.0.0.1", b"[::1]:80"])
def test_loopback_names_are_served(wire: Wire, host: bytes) -> None:
    """With or without a port, in any case."""
    got = wire.talk(
        b"GET / HTTP/1.1\r\nhost: " + host + b"\r\n\r\n",
        wire.answering(b"HTTP/1.1 204 No Content\r\n\r\n"),
    )

    assert got.startswith(b"HTTP/1.1 204 ")


def test_before_the_stack_stands_there_is_a_503(wire: Wire) -> None:
    """A client that is early is told to wait."""
    wire.target.http_api = ""

    assert wire.talk(HEAD + b"\r\n").startswith(b"HTTP/1.1 503 ")


def test_own_pages_are_answered_by_the_front(wire: Wire) -> None:
    """A registered path does not go upstream."""

    async def page(exchange: Exchange) -> None:
        await exchange.answer(200, "text/plain", exchange.method.encode())

    wire.target.pages["/dev/page"] = page

    got = wire.talk(b"HEAD /dev/page?x HTTP/1.1\r\nhost: localhost\r\n\r\n")

    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 4" in got
    assert got.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\r\n\r\n", b"400"),
        (HEAD + b"content-length: x\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_http_is_refused(wire: Wire, sent: bytes, status: bytes) -> None:
    """Garbage, a TLS greeting, a length that is none."""
    assert wire.talk(sent).startswith(b"HTTP/1.1 " + status)


def test_a_socket_is_passed_through_after_its_upgrade(wire: Wire) -> None:
    """What follows the handshake goes both ways untouched."""
    wire.target.websocket_api, wire.target.websocket_stage = "ws1", "live"

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.seen = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        wire.seen += await reader.readexactly(4)
        writer.write(b"\x81\x02hi")
        writer.close()

    got = wire.talk(
        b"GET /ws?ticket=t HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\n"
        b"upgrade: websocket\r\nsec-websocket-key: k\r\n\r\n\x81\x80ab",
        upstream,
        half=False,
    )

    assert wire.seen.startswith(b"GET /_aws/execute-api/ws1/live?ticket=t HTTP/1.1\r\n")
    assert b"upgrade: websocket" in wire.seen
    assert wire.seen.endswith(b"\x81\x80ab")
    assert got.endswith(b"\x81\x02hi")


def test_without_a_socket_api_the_upgrade_is_a_404(wire: Wire) -> None:
    """The template has none yet."""
    got = wire.talk(
        b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n"
    )

    assert got.startswith(b"HTTP/1.1 404 ")


async def _close(writer: asyncio.StreamWriter, *servers: asyncio.Server) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    for server in servers:
        server.close()
    await asyncio.sleep(0.01)


def _document(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found
