"""Many jobs of one subject at once: starting them, and seeing how they stand.

For kinds whose jobs have no order of their own, where what starts them knows all their references.
"""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from nightshift.core.clock import Clock, to_ms
from nightshift.core.ids import id_range
from nightshift.jobs.agenda import CHECK_AFTER_MS, Agenda, Manifest, chunks
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import JobRef, JobStatus, Message, Record, Token
from nightshift.jobs.store import JobStore
from nightshift.jobs.views import JobView, view_of


class ManyJobs:
    """Jobs by the dozen, in the jobs table and the queues."""

    def __init__(
        self,
        *,
        store: JobStore,
        agenda: Agenda,
        dispatcher: Dispatcher,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._store = store
        self._agenda = agenda
        self._dispatcher = dispatcher
        self._clock = clock
        self._new_token = new_token

    def start(self, refs: Sequence[JobRef]) -> None:
        """Start jobs now, whenever they were due: claimed, pending in the table, queued.

        Starting the same jobs again does nothing but queue them once more.
        """
        now_ms = to_ms(self._clock.now())
        messages = [Message(ref=ref, attempt=1, not_before_ms=now_ms) for ref in refs]
        for portion in chunks(messages):
            self._agenda.claim(
                Manifest(messages=list(portion)),
                name=f"D#{self._new_token()}",
                check_ms=now_ms + CHECK_AFTER_MS,
            )
            for message in portion:
                self._put_pending(message.ref, now_ms)
            self._dispatcher.send(portion)

    def _put_pending(self, ref: JobRef, now_ms: int) -> None:
        record = Record(
            ref=ref,
            status=JobStatus.PENDING,
            closed=0,
            created_ms=now_ms,
            token=Token(self._new_token()),
        )
        with contextlib.suppress(SupersededError):
            self._store.write_record(record, seen=None)

    def standing(self, refs: Sequence[JobRef]) -> dict[str, JobView]:
        """Return those jobs that the table knows, by id, as of a moment ago."""
        if not refs:
            return {}
        records, seats = self._store.find_records(refs), self._store.find_seats(refs)
        views = (view_of(records.get(r.job_id), seats.get(r.job_id)) for r in refs)
        return {view.ref.job_id: view for view in views if view is not None}

    def between(self, kind: str, subject: str, first: datetime, last: datetime) -> list[Record]:
        """Return the records of a subject's jobs with ids of these times, both ends with them."""
        low, high = id_range(first, last)
        return self._store.records_between(kind, subject, low, high)
