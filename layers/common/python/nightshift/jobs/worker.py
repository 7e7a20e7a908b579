"""The worker: runs a batch of deliveries at once and answers which were not done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import NightshiftError
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Claimed, Done, Engine
from nightshift.jobs.errors import UnreadableMessageError
from nightshift.jobs.model import Kind, Message, Plan, Reason, Result, plans_of

HANDLER_MARGIN_S = 5.0
CLOSE_MARGIN_S = 3.0
LINE_FORMAT = "job status attempt http_status execution_ms late_ms"

_T = TypeVar("_T")
Offload = Callable[[Callable[[], _T]], Awaitable[_T]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message as the queue delivered it."""

    message_id: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What came of one delivery; `late_ms` is the start behind its time, where one was started."""

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


class Worker:
    """Shares one invocation among the deliveries of a batch.

    `offload` runs a blocking call elsewhere and awaits it; `sleep` waits seconds. Both are injected
    so that a simulation can run without threads and in virtual time.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        kinds: Mapping[str, Kind],
        clock: Clock,
        offload: "Offload[object]",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
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
        plans = await self._call(lambda: plans_of(self._kinds, [m.ref for m in readable]))
        tasks = {
            mid: asyncio.create_task(self._deliver(m, plans[m.ref], deadline))
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

    async def _deliver(
        self, message: Message, plan: Plan, deadline: datetime
    ) -> tuple[Done, int | None]:
        left_s = (deadline - self._clock.now()).total_seconds()
        if left_s < plan.timeout_s + CLOSE_MARGIN_S:
            return Done(what="no_time_left", ref=message.ref, acknowledge=False), None
        claimed = await self._call(lambda: self._engine.prepare(message, plan))
        if isinstance(claimed, Done):
            return claimed, None
        await self._wait_for(claimed.seat.started_ms)
        late_ms = max(0, to_ms(self._clock.now()) - message.not_before_ms)
        result = await self._perform(claimed, plan)
        return await self._call(lambda: self._engine.finish(claimed, plan, result)), late_ms

    async def _wait_for(self, moment_ms: int) -> None:
        while (left_ms := moment_ms - self._clock.now().timestamp() * 1000) > 0:
            await self._sleep(left_ms / 1000)

    async def _perform(self, claimed: Claimed, plan: Plan) -> Result:
        ref, attempt = claimed.seat.ref, claimed.seat.attempt
        kind = self._kinds[ref.kind]
        try:
            async with asyncio.timeout(plan.timeout_s + HANDLER_MARGIN_S):
                return await kind.perform(ref, plan, attempt)
        except TimeoutError:
            return Result(
                succeeded=False, error=Reason.TIMED_OUT, message="The work took too long."
            )
        except NightshiftError as error:
            return Result(succeeded=False, error=error.slug, message=error.message)
        except Exception as error:  # noqa: BLE001 - the batch loop: one job never spoils the others
            return Result(succeeded=False, error="handler_raised", message=type(error).__name__)

    async def _call(self, function: Callable[[], _T]) -> _T:
        return await self._offload(function)  # type: ignore[return-value]  # awaits the same type


def _read(delivery: Delivery) -> Message | None:
    try:
        return decode(delivery.body)
    except UnreadableMessageError:
        return None


async def _report(message_id: str, task: "asyncio.Task[tuple[Done, int | None]] | None") -> Report:
    if task is None:
        return Report(message_id=message_id, done=Done(what="unreadable", acknowledge=False))
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Report(message_id=message_id, done=Done(what="cut_off", acknowledge=False))
    if (error := task.exception()) is not None:
        done = Done(what="crashed", acknowledge=False)
        return Report(message_id=message_id, done=done, error=error)
    done, late_ms = task.result()
    return Report(message_id=message_id, done=done, late_ms=late_ms)
