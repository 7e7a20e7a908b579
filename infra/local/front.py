"""The front: one address for the API, the development pages and, by upgrade, the sockets.

It passes requests on to the emulator's API Gateway and answers back as they come: status, headers
and bodies unchanged, streamed both ways, nothing capped. Only requests that name this machine's
loopback as their host are served, so that no web page can reach the stack through a name of its
own that resolves to 127.0.0.1.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import h11

from infra.local.http1 import Exchange, Headers

_LOCAL_HOST = re.compile(rb"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)
_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})
_CHUNK = 64 * 1024

Page = Callable[[Exchange], Awaitable[None]]


@dataclass(kw_only=True, slots=True)
class Target:
    """Where the front passes requests on to: the emulator's address and its APIs' ids.

    `http_api` stays empty until the stack stands; requests get 503 until then.
    """

    host: str = "127.0.0.1"
    port: int = 0
    http_api: str = ""
    websocket_api: str = ""
    websocket_stage: str = ""
    pages: dict[str, Page] = field(default_factory=dict)


class Front:
    """Serves exchanges; give its `handle` to `http1.serve`."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def handle(self, exchange: Exchange) -> None:
        """Answer one exchange."""
        if not _LOCAL_HOST.fullmatch(exchange.header(b"host")):
            await problem(exchange, 421, "this stack answers to 127.0.0.1 and localhost only")
            return
        page = self._target.pages.get(exchange.path)
        if page is not None:
            await page(exchange)
        elif not self._target.http_api:
            await problem(exchange, 503, "the stack is starting")
        elif exchange.path == "/ws" and exchange.header(b"upgrade").lower() == b"websocket":
            await self._tunnel(exchange)
        else:
            await self._pass_on(exchange)

    async def _pass_on(self, exchange: Exchange) -> None:
        prefix = f"/_aws/execute-api/{self._target.http_api}/$default".encode()
        reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        try:
            await _relay(exchange, prefix + exchange.request.target, reader, writer)
        except (h11.RemoteProtocolError, ConnectionError):
            if not exchange.started:
                await problem(exchange, 502, "the emulator broke off")
        finally:
            writer.close()

    async def _tunnel(self, exchange: Exchange) -> None:
        if not self._target.websocket_api:
            await problem(exchange, 404, "this stack has no WebSocket API")
            return
        query = exchange.request.target.partition(b"?")[2]
        path = f"/_aws/execute-api/{self._target.websocket_api}/{self._target.websocket_stage}"
        head = [b"GET " + path.encode() + (b"?" + query if query else b"") + b" HTTP/1.1"]
        head += [name + b": " + value for name, value in exchange.request.headers.raw_items()]
        upstream = await asyncio.open_connection(self._target.host, self._target.port)
        early, reader, writer = exchange.take_over()
        upstream[1].write(b"\r\n".join(head) + b"\r\n\r\n" + early)
        try:
            await asyncio.gather(_pump(reader, upstream[1]), _pump(upstream[0], writer))
        finally:
            upstream[1].close()


async def problem(exchange: Exchange, status: int, detail: str) -> None:
    """Answer with a problem document of the front's own (RFC 9457)."""
    document = {"type": "about:blank", "title": "Local stack", "status": status, "detail": detail}
    await exchange.answer(status, "application/problem+json", json.dumps(document).encode())


async def _relay(
    exchange: Exchange, target: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    upstream = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    request = h11.Request(
        method=exchange.request.method, target=target, headers=_request_headers(exchange)
    )
    writer.write(upstream.send(request) or b"")
    async for chunk in exchange.body():
        writer.write(upstream.send(h11.Data(data=chunk)) or b"")
        await writer.drain()
    writer.write(upstream.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    while True:
        event = upstream.next_event()
        if event is h11.NEED_DATA:
            upstream.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            headers = [(n, v) for n, v in event.headers.raw_items() if n.lower() not in _HOP_BY_HOP]
            await exchange.start(event.status_code, headers, bytes(event.reason))
        elif isinstance(event, h11.Data):
            await exchange.write(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            await exchange.finish()
            return
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("the emulator closed the connection")


def _request_headers(exchange: Exchange) -> Headers:
    headers = [
        (name, value)
        for name, value in exchange.request.headers.raw_items()
        if name.lower() not in _HOP_BY_HOP | _FORWARDED
    ]
    if exchange.header(b"transfer-encoding"):
        headers.append((b"transfer-encoding", b"chunked"))
    headers += [(b"x-forwarded-for", exchange.peer.encode()), (b"x-forwarded-proto", b"http")]
    return [*headers, (b"connection", b"close")]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
