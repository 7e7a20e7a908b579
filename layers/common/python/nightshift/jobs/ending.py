"""How jobs end from outside: cancelled, replaced, or failed for good."""

from collections.abc import Callable

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.follow import Follower
from nightshift.jobs.model import JobRef, JobStatus, Reason, Record, Token
from nightshift.jobs.outcome import ended
from nightshift.jobs.store import JobStore


class Endings:
    """Ends jobs that no worker ends."""

    def __init__(
        self, store: JobStore, follower: Follower, clock: Clock, new_token: Callable[[], str]
    ) -> None:
        self._store = store
        self._follower = follower
        self._clock = clock
        self._new_token = new_token

    def end(
        self, ref: JobRef, status: JobStatus, reason: str, *, even_running: bool = True
    ) -> Record:
        """End an open job from outside: cancelled, or failed for good.

        With `even_running` the work of an attempt that runs is void; without, it goes on.

        Raises:
            SupersededError: it ended or moved on meanwhile, or runs and may go on.
        """
        look = self._store.look(ref)
        if look.record is not None and look.record.is_terminal:
            raise SupersededError
        seat = look.seat if look.seat and look.seat.ref.job_id == ref.job_id else None
        if not even_running and seat is not None and seat.attempt > _closed(look.record):
            raise SupersededError
        record = ended(
            ref,
            look.record,
            seat,
            status=status,
            reason=reason,
            now_ms=self._now_ms(),
            token=Token(self._new_token()),
        )
        self._store.write_record(record, seen=look.record)
        self._follower.follow(record)
        return record

    def follow_end(self, ref: JobRef) -> None:
        """Tell of the job's end once more, if it has ended; whoever ended it may have died."""
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        if record is not None and record.is_terminal:
            self._follower.follow(record)

    def is_running(self, ref: JobRef) -> bool:
        """Tell whether a worker is at the job, or may still be."""
        look = self._store.look(ref)
        seat = look.seat if look.seat and look.seat.ref.job_id == ref.job_id else None
        is_open = look.record is None or not look.record.is_terminal
        running = seat is not None and seat.attempt > _closed(look.record)
        return seat is not None and is_open and running and seat.lease_ms > self._now_ms()

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())

    def replace(self, ref: JobRef) -> Record | None:
        """Cancel a job, unless it has begun; return its record, None if it was not this call.

        A worker that begins it at this very moment is either seen or shut out.
        """
        look = self._store.look(ref)
        seat = look.seat
        if look.record is not None or (seat and seat.ref.job_id == ref.job_id):
            return None
        record = ended(
            ref,
            None,
            None,
            status=JobStatus.CANCELLED,
            reason=Reason.REPLACED,
            now_ms=self._now_ms(),
            token=Token(self._new_token()),
        )
        try:
            self._store.end_unbegun(record)
        except SupersededError:
            return None
        self._follower.follow(record)
        return record


def _closed(record: Record | None) -> int:
    return record.closed if record else 0
