"""The worker: runs a batch of deliveries at once and answers which were not done."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import NightshiftError
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Claimed, Done, Engine, needs_beats
from nightshift.jobs.errors import JobLostError, UnreadableMessageError
from nightshift.jobs.model import (
    JobRef,
    Kind,
    Message,
    Plan,
    QueueName,
    Reason,
    Result,
    plans_of,
)
from nightshift.jobs.pulse import BEAT_S, Carrier, EnginePulse, in_own_thread

HANDLER_MARGIN_S = 5.0
CLOSE_MARGIN_S = 3.0
LINE_FORMAT = "job status attempt http_status execution_ms late_ms"

_T = TypeVar("_T")
Offload = Callable[[Callable[[], _T]], Awaitable[_T]]
Heart = Callable[[EnginePulse], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message as the queue delivered it."""

    message_id: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What came of one delivery; `late_ms` is the start behind its time, where one was started.

    `error` is what was raised and not foreseen, by the engine or by the kind's work.
    """

    message_id: str
    done: Done
    late_ms: int | None = None
    error: BaseException | None = None

    def ids(self) -> dict[str, str]:
        """Return the ids that a log line about this delivery carries."""
        ref = self.done.ref
        if ref is None:
            return {"message_id": self.message_id}
        return {"job_id": ref.job_id, "kind": ref.kind, "subject": ref.subject}

    def line(self) -> str:
        """Return what the batch's log line says of this delivery, in the order of `LINE_FORMAT`."""
        record = self.done.record
        last = record.last if record else None
        parts = (
            self.done.ref.job_id if self.done.ref else self.message_id,
            record.status.value if record else self.done.what,
            record.closed if record else None,
            last.response_status if last else None,
            last.execution_ms if last else None,
            self.late_ms,
        )
        return " ".join("-" if part is None else str(part) for part in parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    done: Done
    late_ms: int | None = None
    error: Exception | None = None


class Worker:
    """Shares one invocation among the deliveries of a batch.

    `offload` runs a blocking call of ours elsewhere and awaits it, `carrier` a handler's; `sleep`
    waits seconds; `heart` beats until the attempt is lost. They are injected so that a simulation
    can run without threads and in virtual time. `is_paused` tells of a queue whether its messages
    are to be held back, and `hold` does so.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        kinds: Mapping[str, Kind],
        clock: Clock,
        offload: "Offload[object]",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        carrier: Carrier = in_own_thread,
        heart: Heart | None = None,
        is_paused: Callable[[QueueName], bool] = lambda _: False,
        hold: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> None:
        self._carrier = carrier
        self._heart = heart or self._beat
        self._is_paused = is_paused
        self._hold = hold
        self._engine = engine
        self._kinds = kinds
        self._clock = clock
        self._offload = offload
        self._sleep = sleep

    async def run(self, deliveries: Sequence[Delivery], *, deadline: datetime) -> list[Report]:
        """Run all deliveries; one that fails, or is not done by `deadline`, spoils no other.

        Returns one report for each delivery, in order.
        """
        messages = {d.message_id: _read(d) for d in deliveries}
        readable = [m for m in messages.values() if m is not None]
        paused = await self._call(lambda: self._paused(readable))
        plans = await self._call(lambda: self._plans([m.ref for m in readable]))
        tasks = {
            mid: asyncio.create_task(self._deliver(m, plans[m.ref], deadline, paused))
            for mid, m in messages.items()
            if m is not None
        }
        left_s = (deadline - self._clock.now()).total_seconds()
        if tasks:
            await asyncio.wait(tasks.values(), timeout=max(0.0, left_s))
        reports = []
        for delivery in deliveries:
            task = tasks.get(delivery.message_id)
            reports.append(await _report(delivery.message_id, task))
        return reports

    def _paused(self, messages: Sequence[Message]) -> frozenset[QueueName]:
        return frozenset(q for q in {m.ref.queue for m in messages} if self._is_paused(q))

    def _plans(self, refs: Sequence[JobRef]) -> dict[JobRef, Plan | Exception]:
        """Return the plan of each job, or why there is none: one bad subject spoils no other."""
        try:
            return dict(self._armed(refs))
        except Exception:  # noqa: BLE001 - the batch loop: find out below whose fault it is
            return {ref: self._plan_alone(ref) for ref in refs}

    def _armed(self, refs: Sequence[JobRef]) -> dict[JobRef, Plan]:
        plans = plans_of(self._kinds, refs)
        return {
            ref: self._kinds[ref.kind].arm(plan) if ref.kind in self._kinds else plan
            for ref, plan in plans.items()
        }

    def _plan_alone(self, ref: JobRef) -> Plan | Exception:
        try:
            return self._armed([ref])[ref]
        except Exception as error:  # noqa: BLE001 - the batch loop
            return error

    async def _deliver(
        self,
        message: Message,
        plan: Plan | Exception,
        deadline: datetime,
        paused: frozenset[QueueName],
    ) -> _Outcome:
        if message.ref.queue in paused:
            await self._call(lambda: self._hold([message]))
            return _Outcome(done=Done(what="queue_paused", ref=message.ref))
        if isinstance(plan, Exception):
            raise plan
        left_s = (deadline - self._clock.now()).total_seconds()
        if left_s < plan.timeout_s + CLOSE_MARGIN_S:
            return _Outcome(done=Done(what="no_time_left", ref=message.ref, acknowledge=False))
        claimed = await self._call(lambda: self._engine.prepare(message, plan))
        if isinstance(claimed, Done):
            return _Outcome(done=claimed)
        await self._wait_for(claimed.seat.started_ms)
        late_ms = max(0, to_ms(self._clock.now()) - message.not_before_ms)
        pulse = EnginePulse(self._engine, claimed, plan, self._clock, self._carrier)
        result, error = await self._alive(claimed, plan, pulse)
        done = await self._call(lambda: self._engine.finish(pulse.last(), plan, result))
        return _Outcome(done=done, late_ms=late_ms, error=error)

    async def _wait_for(self, moment_ms: int) -> None:
        while (left_ms := moment_ms - self._clock.now().timestamp() * 1000) > 0:
            await self._sleep(left_ms / 1000)

    async def _alive(
        self, claimed: Claimed, plan: Plan, pulse: EnginePulse
    ) -> tuple[Result, Exception | None]:
        """Perform the attempt; renew the lease meanwhile if the work may outlast it."""
        if not needs_beats(plan):
            return await self._perform(claimed, plan, pulse)
        beats = asyncio.ensure_future(self._heart(pulse))
        work = asyncio.ensure_future(self._perform(claimed, plan, pulse))
        try:
            await asyncio.wait([work, beats], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                # The attempt is lost; closing it will be refused, so the result does not matter.
                return _failed("lost", "The attempt was cancelled or taken over."), None
            return work.result()
        finally:
            for task in (work, beats):
                task.cancel()
            await asyncio.gather(work, beats, return_exceptions=True)

    async def _beat(self, pulse: EnginePulse) -> None:
        """Beat until the attempt is lost. A beat that fails is made good by the next."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._call(pulse.beat)
            except JobLostError:
                return
            except Exception:  # noqa: BLE001, S112 - the lease outlasts two beats
                continue

    async def _perform(
        self, claimed: Claimed, plan: Plan, pulse: EnginePulse
    ) -> tuple[Result, Exception | None]:
        """Return what came of the work, and what it raised where that was not foreseen."""
        ref, attempt = claimed.seat.ref, claimed.seat.attempt
        kind = self._kinds[ref.kind]
        try:
            async with asyncio.timeout(plan.timeout_s + HANDLER_MARGIN_S):
                return await kind.perform(ref, plan, attempt, pulse), None
        except TimeoutError:
            return _failed(Reason.TIMED_OUT, "The work took too long."), None
        except JobLostError:
            return _failed("lost", "The attempt was cancelled or taken over."), None
        except NightshiftError as error:
            return _failed(error.slug, error.message), None
        except Exception as error:  # noqa: BLE001 - the batch loop: one job never spoils the others
            return _failed("handler_raised", type(error).__name__), error

    async def _call(self, function: Callable[[], _T]) -> _T:
        return await self._offload(function)  # type: ignore[return-value]  # awaits the same type


def _read(delivery: Delivery) -> Message | None:
    try:
        return decode(delivery.body)
    except UnreadableMessageError:
        return None


def _failed(error: str, message: str) -> Result:
    return Result(succeeded=False, error=error, message=message)


async def _report(message_id: str, task: "asyncio.Task[_Outcome] | None") -> Report:
    if task is None:
        return Report(message_id=message_id, done=Done(what="unreadable", acknowledge=False))
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Report(message_id=message_id, done=Done(what="cut_off", acknowledge=False))
    if (error := task.exception()) is not None:
        done = Done(what="crashed", acknowledge=False)
        return Report(message_id=message_id, done=done, error=error)
    came = task.result()
    return Report(message_id=message_id, done=came.done, late_ms=came.late_ms, error=came.error)
