"""The workers of one function: forked on demand by its zygote, reused, killed at the timeout."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.functions.zygote import FRAME, OK

_ZYGOTE = Path(__file__).with_name("zygote.py")
_LINE_LIMIT = 1 << 22


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSpec:
    """How to run one function.

    `python` is the interpreter, `path` what comes first in its module path, `env` the whole
    environment, `timeout_s` the template's timeout.
    """

    name: str
    arn: str
    handler: str
    code: Path
    python: Path
    path: tuple[Path, ...]
    env: Mapping[str, str]
    timeout_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an invocation came to: `body` is JSON, the handler's answer or the error's document."""

    ok: bool
    body: bytes
    duration_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line that a process of `function` printed; `request_id` is empty outside invocations."""

    function: str
    pid: int
    request_id: str
    text: str


class InitError(Exception):
    """The function's module cannot be imported, or its process ended."""


@dataclass(kw_only=True, slots=True)
class Worker:
    """A forked process that serves one invocation at a time."""

    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request_id: str = ""
    idle_since: float = 0.0


class Pool:
    """The zygote and the workers of one function; used from one event loop."""

    def __init__(
        self,
        spec: FunctionSpec,
        *,
        directory: Path,
        max_workers: int,
        on_log: Callable[[LogLine], None],
    ) -> None:
        self.spec = spec
        self.init_ms = 0
        self._socket = directory / f"{os.urandom(4).hex()}.sock"
        self._max_workers = max_workers
        self._on_log = on_log
        self._idle: list[Worker] = []
        self._busy: dict[int, Worker] = {}
        self._starting = 0
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._server: asyncio.Server | None = None
        self._ready: asyncio.Future[asyncio.StreamWriter] | None = None

    @property
    def alive(self) -> bool:
        """Whether the zygote runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The zygote's process id, which is the process group of its workers too."""
        return self._process.pid if self._process else 0

    def workers(self) -> list[tuple[Worker, bool]]:
        """Return the workers, each with whether it is busy."""
        return [*((w, True) for w in self._busy.values()), *((w, False) for w in self._idle)]

    async def start(self) -> None:
        """Start the zygote and wait until it has imported the handler.

        Raises:
            InitError: the import failed; what it printed is in the log.
        """
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        self._server = await asyncio.start_unix_server(self._greet, self._socket, limit=_LINE_LIMIT)
        module, _, attribute = self.spec.handler.rpartition(".")
        command = [self.spec.python, _ZYGOTE, self._socket, module, attribute]
        self._process = await asyncio.create_subprocess_exec(
            *map(str, command),
            env=_environment(self.spec),
            cwd=self.spec.code,
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE_LIMIT,
        )
        self._spawn(self._watch_process(self._process))
        await self._ready

    def trim(self, *, idle_s: float) -> None:
        """End the workers that have been idle for `idle_s` seconds, all but one."""
        now = time.monotonic()
        keep = [worker for worker in self._idle if now - worker.idle_since < idle_s]
        if not keep and not self._busy:
            keep = self._idle[-1:]
        for worker in self._idle:
            if worker not in keep:
                self._drop(worker.writer)
        self._idle = keep

    async def close(self) -> None:
        """Kill the zygote and its workers and wait until the zygote is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        self._fail_waiting("the function host is closing")
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
        for task in self._tasks:
            task.cancel()
        ends = [writer.wait_closed() for writer in self._writers]
        await asyncio.gather(*ends, *self._tasks, return_exceptions=True)
        self._socket.unlink(missing_ok=True)

    async def invoke(self, event: bytes, *, request_id: str) -> Outcome:
        """Run the function once; what it does wrong becomes an outcome, never an exception."""
        started = time.perf_counter()
        try:
            worker = await self._acquire()
        except InitError as error:
            return failure("Runtime.InitError", str(error), started)
        worker.request_id = request_id
        try:
            ok, body = await asyncio.wait_for(self._exchange(worker, event), self.spec.timeout_s)
        except TimeoutError:
            self._discard(worker)
            text = f"Task timed out after {self.spec.timeout_s:.2f} seconds"
            return failure("Sandbox.Timedout", text, started)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._discard(worker)
            text = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            return failure("Runtime.ExitError", text, started)
        except asyncio.CancelledError:
            self._discard(worker)
            raise
        self._release(worker)
        return Outcome(ok=ok, body=body, duration_ms=_ms_since(started))

    async def _exchange(self, worker: Worker, event: bytes) -> tuple[bool, bytes]:
        deadline = time.time() + self.spec.timeout_s
        meta = {"request_id": worker.request_id, "arn": self.spec.arn, "deadline": deadline}
        head = json.dumps(meta).encode()
        worker.writer.write(FRAME.pack(len(head)) + head + FRAME.pack(len(event)) + event)
        await worker.writer.drain()
        status = await worker.reader.readexactly(1)
        size = FRAME.unpack(await worker.reader.readexactly(FRAME.size))[0]
        return status == OK, await worker.reader.readexactly(size)

    async def _acquire(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if not worker.reader.at_eof():
                self._busy[worker.pid] = worker
                return worker
            self._drop(worker.writer)
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._fork_as_needed()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result())
            raise

    def _fork_as_needed(self) -> None:
        size = len(self._busy) + len(self._idle) + self._starting
        if not self._waiting or self._starting >= len(self._waiting) or size >= self._max_workers:
            return
        if self._ready is None or not self.alive:
            self._fail_waiting("the function's process ended")
            return
        self._starting += 1
        self._ready.result().write(b"F")

    def _release(self, worker: Worker) -> None:
        worker.request_id = ""
        self._busy.pop(worker.pid, None)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._busy[worker.pid] = worker
                waiter.set_result(worker)
                return
        worker.idle_since = time.monotonic()
        self._idle.append(worker)

    def _discard(self, worker: Worker) -> None:
        self._busy.pop(worker.pid, None)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        self._drop(worker.writer)
        self._fork_as_needed()

    def _fail_waiting(self, reason: str) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(InitError(reason))

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        hello: dict[str, Any] = json.loads(await reader.readline() or b"{}")
        role, pid = hello.get("role"), hello.get("pid", 0)
        if role == "zygote":
            self._on_zygote(hello, writer)
        elif role == "worker":
            self._starting -= 1
            self._release(Worker(pid=pid, reader=reader, writer=writer))
            self._fork_as_needed()
        elif role == "log":
            self._spawn(self._read_log(reader, writer, pid))

    def _on_zygote(self, hello: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if self._ready is None or self._ready.done():
            return
        if "error" in hello:
            self._ready.set_exception(InitError(hello["error"]))
            return
        self.init_ms = hello["init_ms"]
        self._ready.set_result(writer)

    async def _read_log(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int
    ) -> None:
        await self._read_lines(reader, pid)
        self._drop(writer)

    async def _read_lines(self, reader: asyncio.StreamReader, pid: int) -> None:
        while line := await reader.readline():
            worker = self._busy.get(pid)
            text = line.decode("utf-8", "replace").rstrip("\n")
            request_id = worker.request_id if worker else ""
            self._on_log(
                LogLine(function=self.spec.name, pid=pid, request_id=request_id, text=text)
            )

    async def _watch_process(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None:
            await self._read_lines(process.stdout, process.pid)
        await process.wait()
        reason = "the function's process ended"
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(InitError(reason))
        self._fail_waiting(reason)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._writers.discard(writer)

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _environment(spec: FunctionSpec) -> dict[str, str]:
    path = os.pathsep.join(map(str, (spec.code, *spec.path)))
    return {**spec.env, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def failure(kind: str, text: str, started: float | None = None) -> Outcome:
    """Return the outcome of an invocation that did not come to an answer of the handler."""
    body = json.dumps({"errorType": kind, "errorMessage": text}).encode()
    duration_ms = 0.0 if started is None else _ms_since(started)
    return Outcome(ok=False, body=body, duration_ms=duration_ms)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
