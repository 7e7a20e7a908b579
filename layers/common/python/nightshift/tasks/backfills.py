"""Asking for a backfill: which slots it would be for, and the job that works them off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from nightshift.core.access import UserId
from nightshift.core.clock import Clock, from_ms, rfc3339, to_ms
from nightshift.core.errors import FieldError
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.service import JobService
from nightshift.tasks.backfill import Backfill, slots_between
from nightshift.tasks.errors import BackfillRangeError, NothingToBackfillError
from nightshift.tasks.model import Task
from nightshift.tasks.schedule import Schedule
from nightshift.tasks.service import TaskService
from nightshift.tasks.settings import TaskSettings

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillWish:
    """What somebody asks for: the slots from `start` on, before `end`, the first `max_runs`.

    At most `max_parallel` runs are open at once. With `rerun`, slots that ran already run again.
    """

    start: datetime
    end: datetime
    max_runs: int | None = None
    max_parallel: int = 1
    rerun: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillPlan:
    """What would be done. `left_out` tells that the range has more slots than were asked for."""

    task: Task
    job: Backfill
    first: datetime | None
    last: datetime | None
    left_out: bool

    @property
    def end(self) -> datetime:
        """Where the range ends: before the slots that the schedule itself may still call."""
        return from_ms(self.job.end_ms)


class BackfillService:
    """Backfills of the tasks of their owners."""

    def __init__(
        self,
        *,
        tasks: TaskService,
        jobs: JobService,
        kind: JobKind[Backfill],
        clock: Clock,
        settings: TaskSettings,
    ) -> None:
        self._tasks = tasks
        self._jobs = jobs
        self._kind = kind
        self._clock = clock
        self._settings = settings

    def plan(self, owner_id: UserId, id_or_key: str, wish: BackfillWish) -> BackfillPlan:
        """Return which slots a backfill would be for; starts nothing.

        Raises:
            TaskNotFoundError: the owner has no such task.
            NothingToBackfillError: it has no schedule.
            BackfillRangeError: the range does not lie in the past, or holds too many slots.
        """
        task = self._tasks.get(owner_id, id_or_key).task
        if task.schedule is None:
            raise NothingToBackfillError
        self._check(wish)
        end_ms = min(to_ms(wish.end), self._settled_ms(task))
        slots, more = self._slots(task.schedule, to_ms(wish.start), end_ms, wish.max_runs)
        job = Backfill(
            task_id=task.id,
            spec=task.schedule.spec,
            start_ms=to_ms(wish.start),
            end_ms=end_ms,
            slots=len(slots),
            max_parallel=wish.max_parallel,
            rerun=wish.rerun,
            asked_for=f"{task.id}/{to_ms(wish.start)}/{to_ms(wish.end)}/{wish.rerun}",
        )
        return BackfillPlan(
            task=task,
            job=job,
            first=slots[0] if slots else None,
            last=slots[-1] if slots else None,
            left_out=more,
        )

    def _check(self, wish: BackfillWish) -> None:
        limit = self._settings.backfill_max_runs
        if wish.start < from_ms(0):
            raise _refused("start", "Backfills begin in 1970 at the earliest.")
        if wish.start >= wish.end:
            raise _refused("end", "The end must be after the start.")
        if wish.end > (now := self._clock.now()):
            raise _refused("end", f"The end must not be later than now, {rfc3339(now)}.")
        if wish.max_runs is not None and wish.max_runs > limit:
            raise _refused("max_runs", f"A backfill has at most {limit} runs here.")

    def _settled_ms(self, task: Task) -> int:
        """Return up to when no slot can still be called by the schedule itself."""
        now = self._clock.now()
        if task.paused:
            return to_ms(now)
        grace = timedelta(seconds=self._settings.misfire_queue_grace_s)
        return to_ms(max(task.active_since + _TICK, now - task.offset - grace))

    def _slots(
        self, schedule: Schedule, start_ms: int, end_ms: int, max_runs: int | None
    ) -> tuple[list[datetime], bool]:
        """Return the slots, and whether there are more than were asked for."""
        limit = max_runs or self._settings.backfill_max_runs
        found = list(islice(slots_between(schedule.spec, start_ms, end_ms), limit + 1))
        if len(found) > limit and max_runs is None:
            told = f"The range holds more than {limit} slots; narrow it, or say max_runs."
            raise _refused("end", told)
        return found[:limit], len(found) > limit

    def start(self, plan: BackfillPlan, *, job_id: str) -> str:
        """Start what was planned; return the id of its job, or of the open one of the same request.

        Raises:
            BackfillRangeError: there is nothing in the range.
            QueueFullError: too much is waiting already.
        """
        if plan.first is None:
            raise _refused("start", "The schedule has no slot in the range.")
        return self._jobs.enqueue(
            self._kind, plan.job, owner_id=plan.task.owner_id, job_id=job_id
        ).job_id


def _refused(field: str, told: str) -> BackfillRangeError:
    return BackfillRangeError(told, errors=[FieldError(field=field, message=told)])
