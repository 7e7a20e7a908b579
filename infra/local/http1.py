"""A small HTTP/1.1 server on asyncio and h11 (RFC 9112), for the front and the function host.

It streams bodies both ways, answers `Expect: 100-continue`, keeps connections alive, and can hand
its connection over raw after an upgrade. It checks no routes and caps nothing but the size of a
request's head.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import h11

MAX_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
_IDLE_TIMEOUT_S = 75.0

Headers = list[tuple[bytes, bytes]]


class Exchange:
    """One request and its answer."""

    def __init__(
        self,
        connection: h11.Connection,
        request: h11.Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._body_done = False
        self.request = request
        self.taken_over = False
        self.started = False

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method.decode("ascii")

    @property
    def path(self) -> str:
        """The request target up to its query, still percent-encoded."""
        return self.request.target.decode("latin-1").partition("?")[0]

    @property
    def peer(self) -> str:
        """The client's address."""
        name = self._writer.get_extra_info("peername")
        return str(name[0]) if name else ""

    def header(self, name: bytes) -> bytes:
        """Return the first header of that lower-case name, or nothing."""
        return next((value for key, value in self.request.headers if key == name), b"")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the request's body as it comes in.

        Raises:
            ConnectionError: the client went away before its end.
        """
        while not self._body_done:
            event = await _next_event(self._connection, self._reader, self._writer)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._body_done = True
            else:
                raise ConnectionResetError("the client went away in the middle of its request")

    async def read(self) -> bytes:
        """Return the request's whole body."""
        return b"".join([chunk async for chunk in self.body()])

    async def start(self, status: int, headers: Headers, reason: bytes = b"") -> None:
        """Send the answer's head; without a content-length its body is chunked."""
        self.started = True
        await self._send(h11.Response(status_code=status, headers=headers, reason=reason))

    async def write(self, data: bytes) -> None:
        """Send a piece of the answer's body and wait until the client can take more."""
        await self._send(h11.Data(data=data))

    async def finish(self) -> None:
        """Send the end of the answer."""
        await self._send(h11.EndOfMessage())

    async def answer(
        self,
        status: int,
        content_type: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole answer; `headers` go along."""
        length = str(len(body)).encode()
        sent = [(b"content-type", content_type.encode()), (b"content-length", length)]
        sent += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await self.start(status, [*sent, (b"cache-control", b"no-store")])
        if self.method != "HEAD":
            await self.write(body)
        await self.finish()

    def take_over(self) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
        """Return what was read ahead and the raw connection; the server leaves it alone then."""
        self.taken_over = True
        return self._connection.trailing_data[0], self._reader, self._writer

    async def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._connection.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()


Handler = Callable[[Exchange], Awaitable[None]]


async def serve(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Listen on `host` and `port` (0 for any free one) and give each exchange to `handler`.

    Raises:
        OSError: the address cannot be listened on.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled is what is still open at the end; before 3.12 asyncio prints that as an error.
        ends = (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ends):
            await _serve_connection(handler, reader, writer)
        with contextlib.suppress(ConnectionError):
            writer.close()

    return await asyncio.start_server(connected, host, port)


def port_of(server: asyncio.Server) -> int:
    """Return the port that `server` listens on."""
    return int(server.sockets[0].getsockname()[1])


async def _serve_connection(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    while True:
        try:
            event = await asyncio.wait_for(_next_event(connection, reader, writer), _IDLE_TIMEOUT_S)
        except h11.RemoteProtocolError as error:
            await _refuse(connection, writer, error)
            return
        if not isinstance(event, h11.Request):
            return
        exchange = Exchange(connection, event, reader, writer)
        try:
            await handler(exchange)
        except h11.RemoteProtocolError as error:
            await _refuse(connection, writer, error)
            return
        if exchange.taken_over or not await _drained(connection, exchange):
            return
        connection.start_next_cycle()


async def _drained(connection: h11.Connection, exchange: Exchange) -> bool:
    """Read what the handler left of the request; tell whether the connection can be reused."""
    if connection.our_state is not h11.DONE:
        return False
    if connection.their_state is h11.SEND_BODY and not connection.they_are_waiting_for_100_continue:
        async for _ in exchange.body():
            pass
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE


async def _next_event(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> object:
    if connection.they_are_waiting_for_100_continue:
        going_on = h11.InformationalResponse(status_code=100, headers=[])
        writer.write(connection.send(going_on) or b"")
        await writer.drain()
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event


async def _refuse(
    connection: h11.Connection, writer: asyncio.StreamWriter, error: h11.RemoteProtocolError
) -> None:
    if connection.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
        return
    body = f'{{"message":"{error}"}}'.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    status = error.error_status_hint or 400
    writer.write(connection.send(h11.Response(status_code=status, headers=headers)) or b"")
    writer.write(connection.send(h11.Data(data=body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
