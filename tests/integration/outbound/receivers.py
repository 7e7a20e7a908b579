"""Receivers on loopback that behave as asked, badly as a rule."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from nightshift.outbound.connector import TcpConnector
from nightshift.outbound.fakes import StubResolver
from nightshift.outbound.sender import HttpSender
from nightshift.ports.sender import OutboundAnswer, OutboundRequest

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Receiver:
    """A listening receiver: its port, and the heads of the requests that it read."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@asynccontextmanager
async def receiver(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free loopback port and run `script` for each connection, after its head."""
    found = Receiver(port=0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            found.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await script(reader, writer)
        writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        found.tasks.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in found.tasks:
            task.cancel()
        await asyncio.gather(*found.tasks, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """Yield the port of a receiver that never accepts and has no room for another connection."""
    waiting: list[socket.socket] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        try:
            for _ in range(4):
                waiting.append(socket.socket())
                waiting[-1].settimeout(0)
                with suppress(BlockingIOError):
                    waiting[-1].connect(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for each in waiting:
                each.close()


def says(*parts: bytes) -> Script:
    """Return a script that writes the parts and ends the connection in an orderly way."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    return script


def says_then_hangs(*parts: bytes) -> Script:
    """Return a script that writes the parts and then keeps the connection open in silence."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await asyncio.Event().wait()

    return script


def says_then_resets(*parts: bytes) -> Script:
    """Return a script that writes the parts and then resets the connection."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(0.05)  # The parts leave before the reset does.
        found: socket.socket = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    return script


def drips(head: bytes, *, every_s: float, each: bytes = b"x") -> Script:
    """Return a script that writes the head, then `each` again and again, without end."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(every_s)

    return script


@dataclass(slots=True)
class Flood:
    """A script that writes as fast as it is read; `written` counts the bytes handed over."""

    head: bytes
    each: bytes
    total: int
    written: int = 0

    async def __call__(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Write the head and then `total` bytes or until the connection breaks."""
        writer.write(self.head)
        while self.written < self.total:
            writer.write(self.each)
            await writer.drain()
            self.written += len(self.each)


async def call(
    port: int,
    *,
    scheme: str = "http",
    host: str = "127.0.0.1",
    timeout_s: float = 5.0,
    body: bytes = b"{}",
    tls: ssl.SSLContext | None = None,
) -> OutboundAnswer:
    """Call the receiver with a real sender that may reach loopback, where every name lies."""
    sender = HttpSender(
        resolver=StubResolver({host.lower().removesuffix("."): [["127.0.0.1"]]}),
        connector=TcpConnector(tls),
        allow_loopback=True,
    )
    request = OutboundRequest(
        method="POST",
        url=f"{scheme}://{host}:{port}/hook",
        headers={"content-type": "application/json"},
        body=body,
        timeout_s=timeout_s,
    )
    try:
        return await sender.send(request)
    finally:
        await sender.aclose()


def called(script: Script, *, timeout_s: float = 5.0, body: bytes = b"{}") -> OutboundAnswer:
    """Run one receiver and one call against it, and return what came of the call."""

    async def run() -> OutboundAnswer:
        async with receiver(script) as found:
            return await call(found.port, timeout_s=timeout_s, body=body)

    return asyncio.run(run())
