"""The link of a running attempt to the table: lease, progress, and the word that it is lost."""

import asyncio
import contextlib
import ctypes
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.engine import Claimed, Engine
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.model import JobProgress, Plan

BEAT_S = 20.0
"""How often the lease of long work is renewed; a third of the lease."""
PROGRESS_MS = 2_000
"""How often progress is written at most."""

T = TypeVar("T")


class Carrier(Protocol):
    """Runs blocking work of a handler somewhere, for at most `timeout_s` seconds."""

    def __call__(self, work: Callable[[], Any], timeout_s: float) -> Awaitable[Any]:
        """Return what the work returns; TimeoutError if it took too long."""
        ...


class EnginePulse:
    """One attempt's pulse. `claimed` is the attempt with the newest lease and progress."""

    def __init__(
        self, engine: Engine, claimed: Claimed, plan: Plan, clock: Clock, carrier: Carrier
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._clock = clock
        self._carrier = carrier
        self._lock = threading.Lock()
        self._written_ms = to_ms(clock.now())
        self._progress = claimed.seat.progress
        self._threaded = False
        self.claimed = claimed
        self.lost = False

    def progress(self, progress: JobProgress) -> None:
        """Keep the progress; write it if the last time is a while ago. See `model.Pulse`."""
        if self.lost:
            raise JobLostError
        self._progress = progress
        # In the event loop a write would hold up the batch; there the next beat writes it.
        if self._threaded and to_ms(self._clock.now()) - self._written_ms >= PROGRESS_MS:
            self.beat()

    def beat(self) -> None:
        """Renew the lease and write the progress; blocks. One that is under way does for both.

        Raises:
            JobLostError: the attempt is not ours any more.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self.claimed = self._engine.beat(self.claimed, self._plan, self._progress)
            self._written_ms = to_ms(self._clock.now())
        except JobLostError:
            self.lost = True
            raise
        finally:
            self._lock.release()

    def last(self) -> Claimed:
        """Return the attempt as it is to be closed, with its last progress."""
        with self._lock:
            return self.claimed.with_progress(self._progress)

    async def in_thread(self, work: Callable[[], T], *, timeout_s: float) -> T:
        """Run blocking work beside the event loop; see `model.Pulse`."""
        self._threaded = True
        result: T = await self._carrier(work, timeout_s)
        return result


class WorkTimeoutError(BaseException):
    """Raised inside a handler's thread when its time is over; no handler should catch it."""


async def in_own_thread(work: Callable[[], Any], timeout_s: float) -> Any:  # noqa: ANN401 - a carrier
    """Run blocking work in a thread of its own; stop it after `timeout_s` seconds.

    A thread cannot be killed. It is asked to stop by an exception, which reaches it at its next
    step in Python; until then it is left behind, and what it writes is fenced out by the attempt.

    Raises:
        TimeoutError: it took too long.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def run() -> None:
        # The loop may be gone, and the word to stop may come when the work is already done.
        with contextlib.suppress(RuntimeError, WorkTimeoutError):
            try:
                value, error = work(), None
            except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
                value, error = None, raised
            loop.call_soon_threadsafe(_settle, done, value, error)

    thread = threading.Thread(target=run, daemon=True, name="job")
    thread.start()
    try:
        return await asyncio.wait_for(done, timeout_s)
    except (TimeoutError, asyncio.CancelledError):
        _ask_to_stop(thread)
        raise


def _settle(done: "asyncio.Future[Any]", value: object, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(value)
    else:
        done.set_exception(error)


def _ask_to_stop(thread: threading.Thread) -> None:
    if thread.ident is not None and thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(WorkTimeoutError)
        )
