"""What open jobs wait for: their time, their subject, a gate, a paused queue, or nothing at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.gates import Gates
from nightshift.jobs.model import (
    Gate,
    JobRef,
    Message,
    Overlap,
    Plan,
    QueueName,
    Reason,
    Record,
    Seat,
)
from nightshift.jobs.queues import Queues
from nightshift.jobs.store import JobStore

OVERDUE_MS = 60_000
MAX_RESCUES = 10


@dataclass(frozen=True, slots=True)
class Sorted:
    """Open jobs by what they wait for.

    `waiting` run, or wait for their time or their turn; `held` are of a paused queue; `heads` are
    the first that wait for their subject; `gated` wait at one of `gates`. `lost` wait for nothing,
    and `hopeless` have done so too often.
    """

    waiting: list[Message] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    heads: list[Message] = field(default_factory=list)
    gated: list[Message] = field(default_factory=list)
    gates: dict[Gate, None] = field(default_factory=dict)
    lost: list[Message] = field(default_factory=list)
    hopeless: list[JobRef] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What the table says of some jobs: seats, parking and gates by job id."""

    now_ms: int
    seats: Mapping[str, Seat]
    parked: frozenset[str]
    gates: Mapping[str, Sequence[Gate]]


class Triage:
    """Sorts open jobs; reads much at once, since a backlog may hold very many."""

    def __init__(
        self,
        *,
        store: JobStore,
        gates: Gates,
        queues: Queues,
        plans: Callable[[Sequence[JobRef]], dict[JobRef, Plan]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._gates = gates
        self._queues = queues
        self._plans = plans
        self._clock = clock

    def sort(
        self, messages: Sequence[Message], records: Mapping[str, Record], *, rescues: int
    ) -> Sorted:
        """Sort open jobs by what they wait for; `rescues` is how often they were sent again.

        A job that has not begun and is refused is left out: it is none.
        """
        messages = [_next(m, records.get(m.ref.job_id)) for m in messages]
        plans = self._plans([m.ref for m in messages])
        wanted = [m for m in messages if m.ref.job_id in records or not _is_refused(plans[m.ref])]
        seen = self._see([m.ref for m in wanted], plans)
        out = Sorted()
        for message in wanted:
            self._put(message, seen, rescues, out)
        return out

    def _see(self, refs: Sequence[JobRef], plans: Mapping[JobRef, Plan]) -> _Seen:
        at_gates = [(ref, gate) for ref in refs for gate in plans[ref].gates]
        in_line = [ref for ref in refs if ref.overlap is Overlap.QUEUE]
        return _Seen(
            now_ms=to_ms(self._clock.now()),
            seats=self._store.find_seats(refs) if refs else {},
            parked=self._store.find_parked(in_line),
            gates=self._gates.holding(at_gates),
        )

    def _put(self, message: Message, seen: _Seen, rescues: int, out: Sorted) -> None:
        ref = message.ref
        if _is_busy(message, seen):
            out.waiting.append(message)
        elif self._queues.is_paused(ref.queue):
            out.held.append(message)
        elif held_by := seen.gates.get(ref.job_id, ()):
            out.gated.append(message)
            out.gates.update(dict.fromkeys(held_by))
        elif ref.job_id in seen.parked:
            (out.heads if self._is_first(ref) else out.waiting).append(message)
        elif rescues >= MAX_RESCUES and not self._is_behind(ref.queue):
            out.hopeless.append(ref)
        else:
            out.lost.append(message)

    def _is_first(self, ref: JobRef) -> bool:
        """Tell whether nobody waits for the subject before this job."""
        line: Iterable[Message] = self._store.parked(ref.kind, ref.subject, limit=1)
        return any(first.ref.job_id == ref.job_id for first in line)

    def _is_behind(self, queue: QueueName) -> bool:
        """Tell whether messages lie in the queue; then one may only not have had its turn."""
        return self._queues.depth(queue).visible > 0


def _next(message: Message, record: Record | None) -> Message:
    if record is None:
        return message
    return Message(
        ref=record.ref,
        attempt=record.closed + 1,
        not_before_ms=record.next_ms or message.not_before_ms,
    )


def _is_refused(plan: Plan) -> bool:
    """Tell whether a job that has not begun is none; of an unknown kind, newer code may know."""
    return plan.refusal(begun=False) not in {None, Reason.UNKNOWN_KIND}


def _is_busy(message: Message, seen: _Seen) -> bool:
    """Tell whether the job is running, or waits for a time that has not come."""
    if message.not_before_ms + OVERDUE_MS > seen.now_ms:
        return True
    seat = seen.seats.get(message.ref.job_id)
    return seat is not None and seat.attempt >= message.attempt and seat.lease_ms > seen.now_ms
