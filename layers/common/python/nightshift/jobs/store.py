"""Seats, records and attempt logs in the jobs table: the truth about every job.

Writes here are conditional and answer "was it me?" from the item that stood in the way, so that an
answer lost on the way back is not mistaken for a rival (DESIGN.md, invariant 1).
"""

from collections.abc import Iterator, Sequence

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Item,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.clock import Clock, to_epoch_s
from nightshift.jobs import keys
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.items import (
    attempt_of,
    log_item,
    record_item,
    record_of,
    seat_item,
    seat_of,
)
from nightshift.jobs.model import (
    Attempt,
    JobRef,
    Look,
    Message,
    Overlap,
    Record,
    Seat,
)
from nightshift.jobs.retention import DAY_S

LOOK_LIMIT = 4
SEAT_TTL_S = 30 * DAY_S


class JobStore:
    """The jobs table in the words of the engine."""

    def __init__(self, table: Table, clock: Clock, *, retention_days: int) -> None:
        self._table = table
        self._clock = clock
        self._retention_s = retention_days * DAY_S

    def look(self, ref: JobRef) -> Look:
        """Return seat, record and the seat's holder's record, all read consistently."""
        if ref.overlap is Overlap.ALLOW:
            return self._look_alone(ref)
        pk = keys.subject(ref.kind, ref.subject)
        items = list(
            self._table.query(
                pk,
                between=(keys.RECORD, keys.SEAT),
                descending=True,
                limit=LOOK_LIMIT,
                consistent=True,
            )
        )
        seat = seat_of(items[0]) if items and items[0]["sk"] == keys.SEAT else None
        seen = {i["sk"]: record_of(i) for i in items if i["sk"] != keys.SEAT}
        whole = len(items) < LOOK_LIMIT
        record = self._record_among(seen, ref, whole=whole)
        holder = self._record_among(seen, seat.ref, whole=whole) if seat else None
        return Look(seat=seat, record=record, holder=holder)

    def _record_among(self, seen: dict[str, Record], ref: JobRef, *, whole: bool) -> Record | None:
        sk = keys.record(ref.job_id)
        if sk in seen or whole or (seen and sk > min(seen)):
            return seen.get(sk)
        return self.find_record(ref.kind, ref.subject, ref.job_id)

    def _look_alone(self, ref: JobRef) -> Look:
        pk = keys.subject(ref.kind, ref.subject)
        wanted = [
            {"pk": pk, "sk": keys.own_seat(ref.job_id)},
            {"pk": pk, "sk": keys.record(ref.job_id)},
        ]
        found = {i["sk"]: i for i in self._table.get_many(wanted, consistent=True)}
        seat, record = (found.get(key["sk"]) for key in wanted)
        return Look(
            seat=seat_of(seat) if seat else None,
            record=record_of(record) if record else None,
            holder=None,
        )

    def claim(self, seat: Seat, *, seen: Seat | None) -> None:
        """Take the seat, provided that it is still as `seen`.

        Raises:
            SupersededError: somebody else took it meanwhile; look again.
        """
        alone = seat.ref.overlap is Overlap.ALLOW
        sk = keys.own_seat(seat.ref.job_id) if alone else keys.SEAT
        expires_at = max(self.expiry(), to_epoch_s(self._clock.now()) + SEAT_TTL_S)
        item = seat_item(seat, sk=sk, expires_at=expires_at)
        condition = NOT_EXISTS
        if seen is not None:
            condition = Condition(expression="tok = :seen", values={":seen": seen.token})
        self._put_mine(item, condition, token=seat.token)

    def write_record(self, record: Record, *, seen: Record | None) -> None:
        """Put the record, provided that it is still as `seen` (None: that there is none).

        Every write changes the token, so whoever closes an attempt that was meanwhile cancelled,
        given up as lost or retried is fenced out.

        Raises:
            SupersededError: the record has moved on; `record` was not written.
        """
        item = record_item(record, expires_at=self.expiry(record.next_ms or 0))
        condition = NOT_EXISTS
        if seen is not None:
            condition = Condition(expression="tok = :seen", values={":seen": seen.token})
        self._put_mine(item, condition, token=record.token)

    def end_unbegun(self, record: Record) -> None:
        """Put the first record of a job that ends before it has begun.

        A seat of its own is taken with it, so that nobody begins it at this very moment. Where
        jobs of a subject share a seat, one that is just begun ends, as if it were cancelled.

        Raises:
            SupersededError: the job has begun, or has a record.
        """
        if record.ref.overlap is not Overlap.ALLOW:
            self.write_record(record, seen=None)
            return
        taken = Seat(ref=record.ref, attempt=0, token=record.token, lease_ms=0, started_ms=0)
        sk = keys.own_seat(record.ref.job_id)
        items = [
            record_item(record, expires_at=self.expiry()),
            seat_item(taken, sk=sk, expires_at=self.expiry()),
        ]
        try:
            self.transact([Put(table=self.table_name, item=i, condition=NOT_EXISTS) for i in items])
        except (ConditionFailedError, TransactionConflictError) as error:
            raise SupersededError from error

    def _put_mine(self, item: Item, condition: Condition, *, token: str) -> None:
        try:
            self._table.put(item, condition)
        except ConditionFailedError as error:
            if error.item is None or error.item.get("tok") != token:
                raise SupersededError from error

    def add_log(self, record: Record, attempt: Attempt) -> None:
        """Keep the entry of an attempt that another one follows; the same entry twice is one."""
        self._table.put(log_item(record, attempt, expires_at=self.expiry()))

    def find_record(self, kind: str, subject: str, job_id: str) -> Record | None:
        """Return a job's record, read consistently, or None."""
        key = {"pk": keys.subject(kind, subject), "sk": keys.record(job_id)}
        item = self._table.get(key, consistent=True)
        return record_of(item) if item else None

    def find_records(self, refs: Sequence[JobRef]) -> dict[str, Record]:
        """Return the records that exist, by job id; eventually consistent."""
        wanted = [
            {"pk": keys.subject(r.kind, r.subject), "sk": keys.record(r.job_id)} for r in refs
        ]
        records = map(record_of, self._table.get_many(wanted))
        return {r.ref.job_id: r for r in records}

    def find_seat(self, kind: str, subject: str, job_id: str) -> Seat | None:
        """Return the seat that this job holds, of its own or of its subject, or None."""
        pk = keys.subject(kind, subject)
        wanted = [{"pk": pk, "sk": keys.SEAT}, {"pk": pk, "sk": keys.own_seat(job_id)}]
        seats = map(seat_of, self._table.get_many(wanted, consistent=True))
        return next((s for s in seats if s.ref.job_id == job_id), None)

    def find_seats(self, refs: Sequence[JobRef]) -> dict[str, Seat]:
        """Return the seats that these jobs hold, by job id; eventually consistent."""
        wanted = {
            (keys.subject(r.kind, r.subject), sk)
            for r in refs
            for sk in (keys.SEAT, keys.own_seat(r.job_id))
        }
        found = self._table.get_many([{"pk": pk, "sk": sk} for pk, sk in sorted(wanted)])
        return {seat.ref.job_id: seat for seat in map(seat_of, found)}

    def records(
        self, kind: str, subject: str, *, start_after: str | None = None, limit: int
    ) -> list[Record]:
        """Return a subject's records, newest first; `start_after` is the last job id seen."""
        items = self._table.query(
            keys.subject(kind, subject),
            prefix=keys.RECORD,
            start_after=keys.record(start_after) if start_after else None,
            descending=True,
            limit=limit,
        )
        return [record_of(item) for item in items]

    def seats(self, kind: str, subject: str, *, limit: int) -> list[Seat]:
        """Return a subject's newest seats: its one, or those of its overlapping jobs."""
        pk = keys.subject(kind, subject)
        one = self._table.get({"pk": pk, "sk": keys.SEAT}, consistent=True)
        own = self._table.query(
            pk, prefix=keys.OWN_SEAT, descending=True, limit=limit, consistent=True
        )
        found = [*([one] if one else []), *own]
        return [seat_of(item) for item in found]

    def logs(self, kind: str, subject: str, job_id: str) -> list[Attempt]:
        """Return the entries of a job's attempts that others followed, oldest first."""
        items = self._table.query(
            keys.subject(kind, subject), prefix=keys.log_prefix(job_id), consistent=True
        )
        return [attempt_of(item) for item in items]

    def log_page(self, ref: JobRef, *, before: int, limit: int) -> list[Attempt]:
        """Return entries of a job's attempts with numbers below `before`, newest first."""
        items = self._table.query(
            keys.subject(ref.kind, ref.subject),
            between=(keys.log(ref.job_id, 0), keys.log(ref.job_id, max(0, before - 1))),
            descending=True,
            limit=limit,
        )
        return [attempt_of(item) for item in items]

    def park(self, message: Message) -> None:
        """Keep a job that waits for the seat; parking twice is parking once."""
        ref = message.ref
        key = {"pk": keys.subject(ref.kind, ref.subject), "sk": keys.parked(ref.job_id)}
        self._table.put(key | {"body": encode(message), "expires_at": self.expiry()})

    def parked(self, kind: str, subject: str, *, limit: int) -> Iterator[Message]:
        """Yield the messages of a subject's parked jobs, oldest first."""
        pk = keys.subject(kind, subject)
        for item in self._table.query(pk, prefix=keys.PARKED, limit=limit, consistent=True):
            yield decode(item["body"])

    def find_parked(self, refs: Sequence[JobRef]) -> frozenset[str]:
        """Return the ids of those jobs that wait for their subject's seat, read consistently."""
        wanted = [
            {"pk": keys.subject(r.kind, r.subject), "sk": keys.parked(r.job_id)} for r in refs
        ]
        found = self._table.get_many(wanted, consistent=True)
        return frozenset(str(item["sk"]).removeprefix(keys.PARKED) for item in found)

    def unpark(self, ref: JobRef) -> None:
        """Forget that a job is parked."""
        self._table.delete(
            {"pk": keys.subject(ref.kind, ref.subject), "sk": keys.parked(ref.job_id)}
        )

    @property
    def table_name(self) -> str:
        """The table's name, for writes that a caller builds into a transaction."""
        return self._table.name

    def transact(self, parts: Sequence[TransactPart]) -> None:
        """Do all writes or none; see `Table.transact`."""
        self._table.transact(parts)

    def expiry(self, until_ms: int = 0) -> int:
        """Return when what is written now may be deleted, in seconds since the epoch.

        `until_ms` is a time in the future up to which it will still be needed.
        """
        return max(to_epoch_s(self._clock.now()), until_ms // 1000) + self._retention_s
