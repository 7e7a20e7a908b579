"""The sweeper: each minute, look at what was claimed a while ago and is not done.

A message may be lost between claim and send, or with its worker. The claims (manifests) say which
jobs should have ended by now; for those that have not, the sweeper sends the message again and the
worker decides. What had to be rescued too often is ended as failed: poison is stopped.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from botocore.exceptions import ClientError

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import UnavailableError
from nightshift.jobs import keys
from nightshift.jobs.agenda import (
    MANIFEST_SIZE,
    Agenda,
    Manifest,
    Progress,
    chunks,
    minute_of,
)
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.gates import Gates
from nightshift.jobs.model import (
    Gate,
    JobRef,
    JobStatus,
    Message,
    Overlap,
    Plan,
    Reason,
    Record,
)
from nightshift.jobs.queues import Queues
from nightshift.jobs.store import JobStore

LEASE_MS = 55_000
LOOK_AGAIN_MS = 60_000
OVERDUE_MS = 60_000
MAX_RESCUES = 10
MAX_DOUBLINGS = 6
GATED_AGAIN = 2
"""How often the first pause is doubled for jobs that wait at a gate: who leaves it wakes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepReport:
    """What a sweep did: jobs looked at, sent again, given up, held and sent after a pause.

    `failed` says which claims could not be looked at, one sentence each; they are kept for later.
    """

    checked: int = 0
    rescued: int = 0
    given_up: int = 0
    held: int = 0
    released: int = 0
    skipped: bool = False
    failed: tuple[str, ...] = ()

    def __add__(self, other: "SweepReport") -> "SweepReport":
        return SweepReport(
            checked=self.checked + other.checked,
            rescued=self.rescued + other.rescued,
            given_up=self.given_up + other.given_up,
            held=self.held + other.held,
            released=self.released + other.released,
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
        gates: Gates,
        queues: Queues,
        dispatcher: Dispatcher,
        plans: Callable[[Sequence[JobRef]], dict[JobRef, Plan]],
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._agenda = agenda
        self._store = store
        self._engine = engine
        self._gates = gates
        self._queues = queues
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
            report += self._send_held(deadline)
            self._agenda.advance(keys.SWEEP, token, _at(before), release=True)
        return report

    def _send_held(self, deadline: datetime) -> SweepReport:
        """Send what was held of queues that go on again."""
        sent = 0
        while self._clock.now() < deadline:
            messages = self._queues.held_of_resumed(limit=MANIFEST_SIZE)
            if not messages:
                break
            self._keep(messages, 0, f"H#{self._new_token()}", 0)
            self._dispatcher.send(messages)
            self._queues.forget(messages)
            sent += len(messages)
        return SweepReport(released=sent)

    def _minute(self, minute: int) -> SweepReport:
        report = SweepReport()
        for number, manifest in enumerate(self._agenda.manifests(minute)):
            name = f"S#{minute}#{number}"
            try:
                report += self._look_at(manifest, name=name)
            except (ClientError, TransactionConflictError, UnavailableError):
                raise
            except Exception as error:  # noqa: BLE001 - one claim never spoils the others
                again = manifest.rescues + 1
                self._keep(manifest.messages, again, name + "#b", again)
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
        sorted_out = _Sorted()
        for message in messages:
            plan, record = plans[message.ref], records.get(message.ref.job_id)
            if record is None and plan.refusal(begun=False) is not None:
                continue
            self._sort(self._next(message, record), plan, manifest.rescues, sorted_out)
        given_up = sum(self._give_up(ref) for ref in sorted_out.hopeless)
        for message in sorted_out.held:
            self._queues.hold(message)
        waiting = [*sorted_out.waiting, *sorted_out.parked]
        self._keep(waiting, manifest.rescues, name + "#w", manifest.rescues)
        self._keep(sorted_out.gated, manifest.rescues, name + "#g", GATED_AGAIN)
        again = manifest.rescues + 1
        self._keep(sorted_out.lost, again, name + "#r", again)
        for gate in sorted_out.gates:
            self._engine.send_now(self._gates.wake(gate))
        self._dispatcher.send([*sorted_out.parked, *sorted_out.lost])
        return SweepReport(
            rescued=len(sorted_out.lost), given_up=given_up, held=len(sorted_out.held)
        )

    def _sort(self, message: Message, plan: Plan, rescues: int, out: "_Sorted") -> None:
        """Put an open job where it belongs: what is it waiting for, or is it lost?"""
        if self._is_busy(message):
            out.waiting.append(message)
            return
        if self._queues.is_paused(message.ref.queue):
            out.held.append(message)
            return
        held_by = [gate for gate in plan.gates if self._gates.holds(message.ref, gate)]
        if held_by:
            out.gated.append(message)
            out.gates.update(dict.fromkeys(held_by))
        elif message.ref.overlap is Overlap.QUEUE and message.attempt == 1:
            (out.waiting if self._is_in_line(message.ref, out) else out.parked).append(message)
        elif rescues >= MAX_RESCUES:
            out.hopeless.append(message.ref)
        else:
            out.lost.append(message)

    def _is_in_line(self, ref: JobRef, out: "_Sorted") -> bool:
        """Tell whether the job waits for its subject behind another that does."""
        subject = (ref.kind, ref.subject)
        if subject not in out.heads:
            first = next(iter(self._store.parked(*subject, limit=1)), None)
            out.heads[subject] = first.ref.job_id if first else None
        return out.heads[subject] not in {None, ref.job_id} and self._store.is_parked(ref)

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

    def _keep(self, messages: Sequence[Message], rescues: int, name: str, doublings: int) -> None:
        """Claim anew, before anything is sent, so that it is looked at again.

        The pauses grow: a message may only be waiting in a long queue, and sending it again and
        again would make the queue longer.
        """
        pause_ms = LOOK_AGAIN_MS << min(doublings, MAX_DOUBLINGS)
        for number, chunk in enumerate(chunks(messages)):
            latest = max(to_ms(self._clock.now()), *(m.not_before_ms for m in chunk))
            self._agenda.claim(
                Manifest(messages=list(chunk), rescues=rescues),
                name=f"{name}#{number}",
                check_ms=latest + pause_ms,
            )


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Open jobs by what they wait for.

    `waiting` run, or wait for their time; `held` are of a paused queue; `parked` wait for their
    subject; `gated` for one of `gates`. `lost` wait for nothing, and `hopeless` have done so too
    often.
    `heads` says by kind and subject which job is the first that waits for the subject.
    """

    waiting: list[Message] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    parked: list[Message] = field(default_factory=list)
    gated: list[Message] = field(default_factory=list)
    gates: dict[Gate, None] = field(default_factory=dict)
    lost: list[Message] = field(default_factory=list)
    hopeless: list[JobRef] = field(default_factory=list)
    heads: dict[tuple[str, str], str | None] = field(default_factory=dict)


def _at(minute: int) -> Progress:
    return Progress(minute=minute, parts={})


def _has_ended(record: Record | None) -> bool:
    return record is not None and record.is_terminal
