"""A receiver of webhooks on loopback: it records every call and answers by script."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_ENDS = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError)
_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request; `at` is the Unix time at which its head had arrived, in seconds."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Says:
    """An answer, given `after_s` seconds after the request was read."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


class Receiver:
    """Listens in a thread of its own; unscripted paths answer 200 at once."""

    def __init__(self) -> None:
        self.port = 0
        self._calls: dict[str, list[Call]] = {}
        self._scripts: dict[str, tuple[Says, ...]] = {}
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Listen on a free port, and return once it does."""
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Drop all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def url(self, path: str) -> str:
        """Return the address of a path such as `/orders`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def script(self, path: str, *answers: Says) -> None:
        """Answer the calls of `path` by `answers`, in order; the last one repeats."""
        self._scripts[path] = answers

    def calls(self, path: str) -> list[Call]:
        """Return the calls of a path so far, in the order of their arrival."""
        return list(self._calls.get(path, ()))

    def all_calls(self) -> list[Call]:
        """Return the calls of all paths so far."""
        return [call for calls in list(self._calls.values()) for call in list(calls)]

    def wait_for(self, path: str, count: int = 1, *, timeout_s: float = 30) -> list[Call]:
        """Return the calls of a path as soon as there are `count`.

        Raises:
            AssertionError: there are fewer after `timeout_s` seconds.
        """
        wait_until(lambda: len(self.calls(path)) >= count, f"{path} called {count}x", timeout_s)
        return self.calls(path)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*_ENDS):
            while True:
                says = await self._read(reader)
                if says.after_s:
                    await asyncio.sleep(says.after_s)
                writer.write(_wire(says))
                await writer.drain()
        writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> Says:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        at = time.time()
        first, *lines = head.rstrip().split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        calls = self._calls.setdefault(path, [])
        calls.append(Call(at=at, method=method, path=path, headers=headers, body=body))
        answers = self._scripts.get(path) or (Says(),)
        return answers[min(len(calls), len(answers)) - 1]


def _wire(says: Says) -> bytes:
    headers = {"content-length": str(len(says.body)), **says.headers}
    lines = [f"HTTP/1.1 {says.status} -", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + says.body


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield a receiver that listens, and end it afterwards."""
    receiver = Receiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.close()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
    """Return as soon as `condition` holds.

    Raises:
        AssertionError: it does not within `timeout_s` seconds; the message says `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(_POLL_S)
