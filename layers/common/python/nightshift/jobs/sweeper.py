"""The sweeper: each minute, look at what was claimed a while ago and is not done.

A message may be lost between claim and send, or with its worker. The claims (manifests) say which
jobs should have ended by now; for those that have not, the sweeper sends the message again and the
worker decides. What had to be rescued too often is ended as failed: poison is stopped.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import UnavailableError
from nightshift.jobs import keys
from nightshift.jobs.agenda import (
    MANIFEST_SIZE,
    Agenda,
    Filed,
    Manifest,
    Progress,
    chunks,
    minute_of,
)
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.gates import Gates
from nightshift.jobs.lifecycle import Lifecycle, Step
from nightshift.jobs.model import (
    JobRef,
    JobStatus,
    Message,
    Plan,
    Reason,
    Record,
)
from nightshift.jobs.queues import Queues
from nightshift.jobs.store import JobStore
from nightshift.jobs.triage import Triage

LEASE_MS = 55_000
LOOK_AGAIN_MS = 60_000
MAX_DOUBLINGS = 6
GATED_AGAIN = 2
"""How often the first pause is doubled for jobs that wait at a gate: who leaves it wakes them."""
_PLACE = "at"


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
        lifecycle: Lifecycle,
        plans: Callable[[Sequence[JobRef]], dict[JobRef, Plan]],
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._agenda = agenda
        self._store = store
        self._engine = engine
        self._gates = gates
        self._dispatcher = dispatcher
        self._lifecycle = lifecycle
        self._queues = queues
        self._triage = Triage(store=store, gates=gates, queues=queues, plans=plans, clock=clock)
        self._clock = clock
        self._new_token = new_token

    def run(self, *, deadline: datetime) -> SweepReport:
        """Look at every claim whose minute has passed, or as many as `deadline` allows.

        The next sweep goes on where this one was cut off.
        """
        token = self._new_token()
        now_minute = minute_of(to_ms(self._clock.now()))
        try:
            progress = self._agenda.acquire(keys.SWEEP, token, lease_ms=LEASE_MS)
        except SupersededError:
            return SweepReport(skipped=True)
        if progress.minute is None:
            progress = Progress(minute=now_minute - 2, parts={})
        report = SweepReport()
        with contextlib.suppress(SupersededError):
            for found in self._minutes(progress, now_minute - 1, deadline):
                report += found.report
                progress = found.progress
                self._agenda.advance(keys.SWEEP, token, progress, release=False)
            report += self._send_held(deadline)
            self._agenda.advance(keys.SWEEP, token, progress, release=True)
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
            self._lifecycle.tell_many(Step.RELEASED, [m.ref for m in messages])
            sent += len(messages)
        return SweepReport(released=sent)

    def _minutes(self, progress: Progress, last: int, deadline: datetime) -> Iterator["_Swept"]:
        """Do minute by minute, up to and with `last`."""
        before, place = progress.minute or 0, progress.parts.get(_PLACE)
        while before < last and self._clock.now() < deadline:
            report, place = self._minute(before + 1, place, deadline)
            parts = {} if place is None else {_PLACE: place}
            before += place is None
            yield _Swept(report=report, progress=Progress(minute=before, parts=parts))

    def _minute(
        self, minute: int, after: str | None, deadline: datetime
    ) -> tuple[SweepReport, str | None]:
        """Look at a minute's claims after the place `after`; return where it was left, if it was.

        Each call gets on by one claim at least.
        """
        report = SweepReport()
        for filed in self._agenda.manifests(minute, start_after=after):
            # The same claim, looked at again after a sweep that died, is kept under the same name.
            digest = hashlib.sha256(filed.place.encode()).hexdigest()[:24]
            report += self._file(filed, name=f"S#{minute}#{digest}")
            if self._clock.now() >= deadline:
                return report, filed.place
        return report, None

    def _file(self, filed: Filed, *, name: str) -> SweepReport:
        manifest = filed.manifest
        if manifest is None:
            return SweepReport(failed=(f"{name}: the claim cannot be read",))
        try:
            return self._look_at(manifest, name=name)
        except (ClientError, TransactionConflictError, UnavailableError):
            raise
        except Exception as error:  # noqa: BLE001 - one claim never spoils the others
            again = manifest.rescues + 1
            self._keep(manifest.messages, again, name + "#b", again)
            return SweepReport(failed=(f"{name}: {type(error).__name__}: {error}",))

    def _look_at(self, manifest: Manifest, *, name: str) -> SweepReport:
        refs = [m.ref for m in manifest.messages]
        records = self._store.find_records(refs)
        for record in records.values():
            if record.is_terminal and record.reason == Reason.GIVEN_UP:
                # A sweep that was cut off may have given it up and not told anybody.
                self._engine.follow_end(record.ref)
        open_ones = [m for m in manifest.messages if not _has_ended(records.get(m.ref.job_id))]
        report = SweepReport(checked=len(refs))
        if not open_ones:
            return report
        return report + self._rescue(open_ones, manifest.rescues, records, name)

    def _rescue(
        self, messages: Sequence[Message], rescues: int, records: Mapping[str, Record], name: str
    ) -> SweepReport:
        found = self._triage.sort(messages, records, rescues=rescues)
        given_up = sum(self._give_up(ref) for ref in found.hopeless)
        self._queues.hold(found.held)
        again = rescues + 1
        self._keep([*found.waiting, *found.heads], rescues, name + "#w", rescues)
        self._keep(found.gated, rescues, name + "#g", GATED_AGAIN)
        self._keep(found.lost, again, name + "#r", again)
        for gate in found.gates:
            self._engine.send_now(self._gates.wake(gate))
        self._dispatcher.send([*found.heads, *found.lost])
        self._lifecycle.tell_many(Step.HELD, [m.ref for m in found.held])
        self._lifecycle.tell_many(Step.RESCUED, [m.ref for m in found.lost])
        return SweepReport(rescued=len(found.lost), given_up=given_up, held=len(found.held))

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Swept:
    """What came of a minute, or of a part of it, and how far the sweep has come with it."""

    report: SweepReport
    progress: Progress


def _has_ended(record: Record | None) -> bool:
    return record is not None and record.is_terminal
