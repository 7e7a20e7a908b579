"""The sweeper: each minute, look at what was claimed a while ago and is not done.

A message may be lost between claim and send, or with its worker. The claims (manifests) say which
jobs should have ended by now; for those that have not, the sweeper sends the message again and the
worker decides. What had to be rescued too often is ended as failed: poison is stopped.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import UnavailableError
from nightshift.jobs import keys
from nightshift.jobs.agenda import Agenda, Manifest, Progress, chunks, minute_of
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import JobRef, JobStatus, Message, Overlap, Plan, Reason, Record
from nightshift.jobs.store import JobStore

LEASE_MS = 55_000
LOOK_AGAIN_MS = 60_000
OVERDUE_MS = 60_000
MAX_RESCUES = 10
MAX_DOUBLINGS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepReport:
    """What a sweep did: jobs looked at, sent again, and given up.

    `failed` says which claims could not be looked at, one sentence each; they are kept for later.
    """

    checked: int = 0
    rescued: int = 0
    given_up: int = 0
    skipped: bool = False
    failed: tuple[str, ...] = ()

    def __add__(self, other: "SweepReport") -> "SweepReport":
        return SweepReport(
            checked=self.checked + other.checked,
            rescued=self.rescued + other.rescued,
            given_up=self.given_up + other.given_up,
            failed=self.failed + other.failed,
        )


class Sweeper:
    """Runs sweeps; stateless between them."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        store: JobStore,
        engine: Engine,
        dispatcher: Dispatcher,
        plans: Callable[[Sequence[JobRef]], dict[JobRef, Plan]],
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._agenda = agenda
        self._store = store
        self._engine = engine
        self._dispatcher = dispatcher
        self._plans = plans
        self._clock = clock
        self._new_token = new_token

    def run(self, *, deadline: datetime) -> SweepReport:
        """Look at every claim whose minute has passed, or as many as `deadline` allows."""
        token = self._new_token()
        now_minute = minute_of(to_ms(self._clock.now()))
        try:
            progress = self._agenda.acquire(keys.SWEEP, token, lease_ms=LEASE_MS)
        except SupersededError:
            return SweepReport(skipped=True)
        before = now_minute - 2 if progress.minute is None else progress.minute
        report = SweepReport()
        with contextlib.suppress(SupersededError):
            while before < now_minute - 1 and self._clock.now() < deadline:
                report += self._minute(before + 1)
                before += 1
                self._agenda.advance(keys.SWEEP, token, _at(before), release=False)
            self._agenda.advance(keys.SWEEP, token, _at(before), release=True)
        return report

    def _minute(self, minute: int) -> SweepReport:
        report = SweepReport()
        for number, manifest in enumerate(self._agenda.manifests(minute)):
            name = f"S#{minute}#{number}"
            try:
                report += self._look_at(manifest, name=name)
            except (ClientError, TransactionConflictError, UnavailableError):
                raise
            except Exception as error:  # noqa: BLE001 - one claim never spoils the others
                self._keep(manifest.messages, manifest.rescues + 1, name + "#b")
                report += SweepReport(failed=(f"{name}: {type(error).__name__}: {error}",))
        return report

    def _look_at(self, manifest: Manifest, *, name: str) -> SweepReport:
        refs = [m.ref for m in manifest.messages]
        records = self._store.find_records(refs)
        open_ones = [m for m in manifest.messages if not _has_ended(records.get(m.ref.job_id))]
        if not open_ones:
            return SweepReport(checked=len(refs))
        return self._rescue(open_ones, manifest, records, name) + SweepReport(checked=len(refs))

    def _rescue(
        self,
        messages: Sequence[Message],
        manifest: Manifest,
        records: Mapping[str, Record],
        name: str,
    ) -> SweepReport:
        plans = self._plans([m.ref for m in messages])
        again: list[Message] = []
        waiting: list[Message] = []
        parked: list[Message] = []
        given_up = 0
        for message in messages:
            plan, record = plans[message.ref], records.get(message.ref.job_id)
            if record is None and plan.refusal(begun=False) is not None:
                continue
            following = self._next(message, record)
            if self._is_busy(following):
                waiting.append(following)
            elif message.ref.overlap is Overlap.QUEUE and record is None:
                parked.append(following)
            elif manifest.rescues >= MAX_RESCUES:
                given_up += self._give_up(message.ref)
            else:
                again.append(following)
        self._keep([*waiting, *parked], manifest.rescues, name + "#w")
        self._keep(again, manifest.rescues + 1, name + "#r")
        self._dispatcher.send([*parked, *again])
        return SweepReport(rescued=len(again), given_up=given_up)

    def _next(self, message: Message, record: Record | None) -> Message:
        if record is None:
            return message
        return Message(
            ref=message.ref,
            attempt=record.closed + 1,
            not_before_ms=record.next_ms or message.not_before_ms,
        )

    def _is_busy(self, message: Message) -> bool:
        """Tell whether the job is running, or waits for a time that has not come."""
        now_ms = to_ms(self._clock.now())
        if message.not_before_ms + OVERDUE_MS > now_ms:
            return True
        seat = self._store.find_seat(message.ref.kind, message.ref.subject, message.ref.job_id)
        running = seat is not None and seat.attempt >= message.attempt
        return running and seat is not None and seat.lease_ms > now_ms

    def _give_up(self, ref: JobRef) -> int:
        try:
            self._engine.end(ref, JobStatus.FAILED, Reason.GIVEN_UP)
        except SupersededError:
            return 0
        return 1

    def _keep(self, messages: Sequence[Message], rescues: int, name: str) -> None:
        """Claim anew, before anything is sent, so that it is looked at again.

        The pauses grow: a message may only be waiting in a long queue, and sending it again and
        again would make the queue longer.
        """
        pause_ms = LOOK_AGAIN_MS << min(rescues, MAX_DOUBLINGS)
        for number, chunk in enumerate(chunks(messages)):
            latest = max(to_ms(self._clock.now()), *(m.not_before_ms for m in chunk))
            self._agenda.claim(
                Manifest(messages=list(chunk), rescues=rescues),
                name=f"{name}#{number}",
                check_ms=latest + pause_ms,
            )


def _at(minute: int) -> Progress:
    return Progress(minute=minute, parts={})


def _has_ended(record: Record | None) -> bool:
    return record is not None and record.is_terminal
