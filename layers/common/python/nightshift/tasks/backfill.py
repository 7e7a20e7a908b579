"""Backfill: the runs of a task for slots in the past, started a few dozen at a time.

The job `task.backfill` walks the slots from the oldest on. Which run stands for which slot is a
function of both and of the backfill, and what became of each is read from the table: so the job may
be killed anywhere and goes on where things are. Its progress counts the slots up to the first one
that is still to be done.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice, takewhile

from nightshift.core.access import UserId
from nightshift.core.clock import from_ms
from nightshift.jobs.kinds import Completed, Failed, Job, JobKind, Snooze, Unique
from nightshift.jobs.many import ManyJobs
from nightshift.jobs.model import JobRef, JobStatus, QueueName, Record
from nightshift.jobs.views import JobView
from nightshift.tasks.groups import slot_ref
from nightshift.tasks.model import BACKFILL_KIND, RUN_KIND, Task
from nightshift.tasks.refs import backfill_of, backfill_subject, backfilled_run
from nightshift.tasks.schedule import from_spec
from nightshift.tasks.store import TaskStore

WINDOW = 50
"""How many slots, from the first one that is not done, have been started at most."""
SNOOZE_S = 5.0
MAX_SNOOZE_S = 300.0
TIMEOUT_S = 120.0
RETRIES = 5
TAKEN = frozenset({JobStatus.COMPLETED, JobStatus.PENDING, JobStatus.PROCESSING})
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """What a backfill is to do: the payload of its job.

    The slots are the first `slots` of the schedule `spec` from `start_ms` on, before `end_ms`
    (milliseconds since the epoch). `asked_for` is what names the request.
    """

    task_id: str
    spec: str
    start_ms: int
    end_ms: int
    slots: int
    max_parallel: int
    rerun: bool
    asked_for: str

    def walk(self) -> Iterator[datetime]:
        """Yield the slots, oldest first."""
        return islice(slots_between(self.spec, self.start_ms, self.end_ms), self.slots)


def slots_between(spec: str, start_ms: int, end_ms: int) -> Iterator[datetime]:
    """Yield a schedule's slots from `start_ms` on, before `end_ms`."""
    schedule, end = from_spec(spec), from_ms(end_ms)
    slot = schedule.next_after(from_ms(start_ms) - _TICK)
    while slot is not None and slot < end:
        yield slot
        slot = schedule.next_after(slot)


class _State(Enum):
    """What there is to do about a slot."""

    DONE = "done"
    OPEN = "open"
    TO_START = "to start"


class Backfilling:
    """The handler of `task.backfill`. `view` returns how an owner's job stands."""

    def __init__(
        self, *, store: TaskStore, many: ManyJobs, view: Callable[[str, str], JobView]
    ) -> None:
        self._store = store
        self._many = many
        self._view = view

    def __call__(self, job: Job[Backfill]) -> Completed | Failed | Snooze:
        """Start what may be started now; come back until all slots are done."""
        task = self._store.find(UserId(job.owner_id), job.payload.task_id)
        if task is None:
            return Failed(error="task_deleted", message="The task is gone.", retryable=False)
        slots = list(job.payload.walk())
        done = self._done_before(job)
        while done < len(slots):
            led = self._advance(job, task, slots[done : done + WINDOW])
            done += led
            job.progress(done, len(slots), "slots")
            if led == 0:
                return Snooze(delay_s=min(MAX_SNOOZE_S, SNOOZE_S + job.attempt))
        job.progress(done, len(slots), "slots")
        return Completed(result=self._outcome(job, task, slots))

    def _done_before(self, job: Job[Backfill]) -> int:
        progress = self._view(job.owner_id, job.id).progress
        return progress.done if progress else 0

    def _advance(self, job: Job[Backfill], task: Task, slots: Sequence[datetime]) -> int:
        """Start those slots that are to be; return how many at the front are done."""
        runs = {slot: _run_of(job, task, slot) for slot in slots}
        states = self._states(job, task, runs)
        self._many.start([runs[slot] for slot in slots if states[slot] is _State.TO_START])
        return sum(1 for _ in takewhile(lambda slot: states[slot] is _State.DONE, slots))

    def _states(
        self, job: Job[Backfill], task: Task, runs: dict[datetime, JobRef]
    ) -> dict[datetime, _State]:
        slots = list(runs)
        records = self._records(task, slots)
        own = {r.ref.job_id: r for r in records}
        missing = [slot for slot in slots if runs[slot].job_id not in own]
        taken: set[datetime] = set() if job.payload.rerun else self._taken(task, missing, records)
        states = dict.fromkeys(missing, _State.TO_START) | dict.fromkeys(taken, _State.DONE)
        for slot in slots:
            record = own.get(runs[slot].job_id)
            if record is not None:
                states[slot] = _State.DONE if record.is_terminal else _State.OPEN
        return states

    def _records(self, task: Task, slots: Sequence[datetime]) -> list[Record]:
        subject = backfill_subject(task.id)
        return self._many.between(RUN_KIND, subject, slots[0], slots[-1])

    def _taken(
        self, task: Task, slots: Sequence[datetime], records: Sequence[Record]
    ) -> set[datetime]:
        """Return the slots with a run of the schedule's or of another backfill, done or open."""
        overlap = task.definition.overlap
        refs = [slot_ref(task.owner_id, task.id, task.epoch, slot, overlap) for slot in slots]
        live = self._many.standing(refs).values()
        found = [(view.ref, view.status) for view in live] + [(r.ref, r.status) for r in records]
        return {ref.due_at for ref, status in found if status in TAKEN} & set(slots)

    def _outcome(self, job: Job[Backfill], task: Task, slots: Sequence[datetime]) -> dict[str, int]:
        """Return how many slots came to what."""
        records = self._records(task, slots) if slots else []
        mine = [r.status for r in records if backfill_of(r.ref) == job.id]
        ended = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
        counts = {status.value: mine.count(status) for status in ended}
        return {"slots": len(slots), "skipped": len(slots) - len(mine), **counts}


def _run_of(job: Job[Backfill], task: Task, slot: datetime) -> JobRef:
    return backfilled_run(task, slot, job.id, max_parallel=job.payload.max_parallel)


def backfill_kind(handler: Backfilling) -> JobKind[Backfill]:
    """Return the kind `task.backfill`; while one is open, the same request is the same job."""
    return JobKind(
        name=BACKFILL_KIND,
        payload=Backfill,
        handler=handler,
        queue=QueueName.LOW,
        max_retries=RETRIES,
        timeout_s=TIMEOUT_S,
        unique=Unique(key=lambda said: said.asked_for),
        shows_payload=True,
    )
