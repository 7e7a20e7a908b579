"""What follows when a run has failed for good: the event, the notice, the pause."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from nightshift.core.clock import Clock, rfc3339, to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.model import JobId, JobRef, Plan, Pulse, Record, Result, Trigger
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.service import JobService
from nightshift.ports.bus import Bus, DomainEvent
from nightshift.tasks.jobs import TaskCalls, Work, with_secrets
from nightshift.tasks.letters import OwnerLetters
from nightshift.tasks.model import NOTICE_KIND, RUN_KIND, Method, Task
from nightshift.tasks.refs import notice_subject, run_of, task_of
from nightshift.tasks.signing import TaskSecrets
from nightshift.tasks.store import TaskStore

NOTICE_RETRIES = 3
NOTICE_TIMEOUT_S = 15.0


class FailureNotice:
    """`task.notice`: tells a task's on-failure URL of a failed run; the subject is `task/run`."""

    name = NOTICE_KIND

    def __init__(
        self,
        *,
        store: TaskStore,
        jobs: JobService,
        secrets: TaskSecrets,
        calls: TaskCalls,
        clock: Clock,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._secrets = secrets
        self._calls = calls
        self._clock = clock

    def plan(self, refs: Sequence[JobRef]) -> Mapping[JobRef, Plan]:
        """Return each notice's plan; a task that wants none any more refuses."""
        tasks = self._store.find_many(refs, [task_of(r) for r in refs])
        return {ref: self._plan(ref, tasks.get(task_of(ref))) for ref in refs}

    def _plan(self, ref: JobRef, task: Task | None) -> Plan:
        if task is None or task.definition.on_failure_url is None:
            return Plan(refuse="notice_unwanted")
        if self._secrets.is_gone(task.owner_id):
            return Plan(refuse="owner_gone")
        return Plan(
            max_retries=NOTICE_RETRIES,
            retry=RetryPolicy(),
            timeout_s=NOTICE_TIMEOUT_S,
            payload=Work(task=task, told=self._told(ref, task)),
        )

    def arm(self, plan: Plan) -> Plan:
        """Return the plan with the secrets that sign its call."""
        return with_secrets(plan, self._secrets)

    def _told(self, ref: JobRef, task: Task) -> dict[str, Any]:
        """Return what the notice says of the run."""
        subject, run_id = run_of(ref)
        run = self._jobs.find(RUN_KIND, subject, run_id)
        last = run.last if run else None
        return {
            "task_id": task.id,
            "task_name": task.definition.name,
            "run_id": run_id,
            "scheduled_for": rfc3339(ref.due_at),
            "attempts": run.attempts if run else None,
            "reason": run.reason if run else None,
            "response_status": last.response_status if last else None,
        }

    async def perform(self, ref: JobRef, plan: Plan, attempt: int, pulse: Pulse) -> Result:  # noqa: ARG002 - a call is too short to tell of progress
        """Post the notice, CloudEvents-shaped, signed like the task's own calls."""
        work: Work = plan.payload
        task = work.task
        body = json.dumps(
            {
                "specversion": "1.0",
                "id": ref.job_id,
                "source": "nightshift/tasks",
                "type": "task.run.failed",
                "time": rfc3339(self._clock.now()),
                "data": dict(work.told),
            },
            separators=(",", ":"),
        )
        return await self._calls.call(
            ref,
            url=task.definition.on_failure_url or "",
            method=Method.POST,
            body=body,
            extra={"x-nightshift-attempt": str(attempt), "x-nightshift-task-id": task.id},
            timeout_s=NOTICE_TIMEOUT_S,
            secrets=work.secrets,
        )

    def settle(self, record: Record) -> None:
        """Nothing follows from a notice's end."""


class FailureHandling:
    """What follows when a run has failed for good; all of it may happen twice and counts once."""

    def __init__(
        self,
        *,
        store: TaskStore,
        jobs: JobService,
        bus: Bus,
        pause: Callable[[Task, str], None],
        pause_after: int,
        letters: OwnerLetters,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._bus = bus
        self._letters = letters
        self._pause = pause
        self._pause_after = pause_after

    def __call__(self, record: Record) -> None:
        """Publish the event, send the notice, pause a task that keeps failing, tell the owner."""
        ref = record.ref
        tasks = self._store.find_many([ref], [task_of(ref)])
        task = tasks.get(task_of(ref))
        if task is None:
            return
        self._bus.publish([_event(record, task)])
        if task.definition.on_failure_url is not None:
            self._jobs.start(_notice_ref(record))
        if task.is_recurring and not task.paused:
            self._tell_or_pause(record, task)
        elif ref.trigger is not Trigger.SCHEDULE or not task.paused:
            self._letters.failed(record, task)

    def _tell_or_pause(self, record: Record, task: Task) -> None:
        """Write at the first failure of a row, and when the row is so long that the task pauses.

        The letter goes first: once the task is paused, nobody would come this way again.
        """
        limit = task.definition.pause_after or self._pause_after
        failures = self._jobs.failed_in_a_row(
            RUN_KIND, task.id, since_ms=to_ms(task.active_since), limit=limit
        )
        if failures >= limit:
            self._letters.paused(record, task, failures=failures)
            self._pause(task, f"failed_{limit}_in_a_row")
        elif failures <= 1:
            self._letters.failed(record, task)


def _event(record: Record, task: Task) -> DomainEvent:
    ref = record.ref
    return DomainEvent(
        id=derived_id(ref.due_at, "task.run.failed", ref.job_id, str(record.closed)),
        type="task.run.failed",
        subject=ref.job_id,
        user_id=ref.owner_id,
        data={
            "task_id": task.id,
            "task_name": task.definition.name,
            "run_id": ref.job_id,
            "scheduled_for": rfc3339(ref.due_at),
            "attempts": record.closed,
            "reason": record.reason,
        },
    )


def _notice_ref(record: Record) -> JobRef:
    ref = record.ref
    moment = ref.due_at + timedelta(milliseconds=record.closed)
    return JobRef(
        kind=NOTICE_KIND,
        subject=notice_subject(ref),
        job_id=JobId(derived_id(moment, NOTICE_KIND, ref.job_id)),
        owner_id=ref.owner_id,
        due_ms=ref.due_ms,
        trigger=Trigger.EVENT,
    )
