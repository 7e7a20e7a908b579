"""What follows from what is written: retries are queued, ends are told, who waits is woken."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.gates import Gates
from nightshift.jobs.model import Gate, JobRef, Kind, Message, Overlap, Record
from nightshift.jobs.store import JobStore


class Follower:
    """Does what a written record calls for; doing any of it again comes to the same."""

    def __init__(
        self,
        *,
        store: JobStore,
        dispatcher: Dispatcher,
        gates: Gates,
        kinds: Mapping[str, Kind],
        clock: Clock,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._gates = gates
        self._kinds = kinds
        self._clock = clock

    def follow(self, record: Record) -> None:
        """Queue the next attempt of an open job; settle an ended one and wake who waits for it."""
        if not record.is_terminal:
            self.resend(record.ref, record.closed + 1, record.next_ms or self._now_ms())
            return
        kind = self._kinds.get(record.ref.kind)
        if kind is not None:
            kind.settle(record)
        if record.ref.overlap is Overlap.QUEUE:
            self.wake(record.ref)

    def wake(self, ref: JobRef) -> None:
        """Send the first that waits for the subject of `ref`."""
        for parked in self._store.parked(ref.kind, ref.subject, limit=1):
            self.resend(parked.ref, parked.attempt, self._now_ms())
            self._store.unpark(parked.ref)

    def resend(self, ref: JobRef, attempt: int, at_ms: int) -> None:
        """Queue an attempt for its time."""
        self._dispatcher.send([Message(ref=ref, attempt=attempt, not_before_ms=at_ms)])

    def leave(self, ref: JobRef, attempt: int, gates: Sequence[Gate]) -> None:
        """Give back what the attempt holds of the gates, and let in who waits there."""
        for gate in gates:
            self.send_now(self._gates.leave(ref, attempt, gate))

    def abandon(self, ref: JobRef, attempt: int, gates: Sequence[Gate]) -> None:
        """Take a job that will not run out of its gates."""
        for gate in gates:
            self._gates.unpark(ref, gate)
        self.leave(ref, attempt, gates)

    def send_now(self, messages: Sequence[Message]) -> None:
        """Queue what waited, for now."""
        now_ms = self._now_ms()
        self._dispatcher.send([replace(m, not_before_ms=now_ms) for m in messages])

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())
