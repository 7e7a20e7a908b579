"""The tasks' kinds of jobs: a run, which calls the webhook, and the notice of a failed run."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from nightshift.core.clock import Clock, rfc3339, to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.model import (
    JobId,
    JobRef,
    JobStatus,
    Overlap,
    Plan,
    Pulse,
    Record,
    Result,
    Trigger,
)
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.service import JobService
from nightshift.outbound.signing import signed_headers
from nightshift.ports.bus import Bus, DomainEvent
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Outcome, Sender
from nightshift.tasks.letters import OwnerLetters
from nightshift.tasks.model import NOTICE_KIND, RUN_KIND, Method, Misfire, Task
from nightshift.tasks.signing import TaskSecrets
from nightshift.tasks.store import TaskStore

USER_AGENT = "Nightshift/1"
NOTICE_RETRIES = 3
NOTICE_TIMEOUT_S = 15.0
RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
FIRST_SERVER_ERROR = 500


def result_of(answer: OutboundAnswer) -> Result:
    """Classify a receiver's answer: done, to be tried again, or not worth another try.

    A 2xx succeeds. Server errors, time-outs, connection failures and the statuses that ask for
    patience are retryable; every other status (redirects, 410, most of 4xx) and an address that may
    not be called are not.
    """
    message = answer.body.decode("utf-8", "replace") if answer.body else answer.detail
    if answer.ok:
        return Result(succeeded=True, message=message, response_status=answer.status)
    if answer.outcome is Outcome.ANSWERED and answer.status is not None:
        error = f"http_{answer.status}"
        retryable = answer.status >= FIRST_SERVER_ERROR or answer.status in RETRYABLE_STATUSES
    else:
        error, message = answer.outcome.value, answer.detail
        retryable = answer.outcome is not Outcome.REFUSED
    return Result(
        succeeded=False,
        message=message,
        response_status=answer.status,
        error=error,
        retryable=retryable,
        retry_after_s=answer.retry_after_s,
    )


class TaskCalls:
    """Signs and sends the calls of tasks; reads nothing, since it runs in an event loop."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock

    async def call(
        self,
        ref: JobRef,
        *,
        url: str,
        method: str,
        body: str | None,
        extra: Mapping[str, str],
        timeout_s: float,
        secrets: Sequence[str],
    ) -> Result:
        """Send one signed call and classify what came of it."""
        content = b"" if body is None else body.encode()
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **extra,
            **signed_headers(secrets, ref.job_id, self._clock.now(), content),
        }
        request = OutboundRequest(
            method=method, url=url, headers=headers, body=content, timeout_s=timeout_s
        )
        return result_of(await self._sender.send(request))


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What an attempt needs of its task: read once for the batch, before anything is called."""

    task: Task
    secrets: Sequence[str] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


def _with_secrets(plan: Plan, secrets: TaskSecrets) -> Plan:
    work = plan.payload
    if not isinstance(work, Work):
        return plan
    armed = replace(work, secrets=secrets.signing(work.task.owner_id))
    return replace(plan, payload=armed)


class TaskRun:
    """`task.run`: one slot, or one request, of a task; the subject is the task."""

    name = RUN_KIND

    def __init__(
        self,
        *,
        store: TaskStore,
        secrets: TaskSecrets,
        calls: TaskCalls,
        clock: Clock,
        stale_after_s: int,
        on_failed: Callable[[Record], None],
    ) -> None:
        self._clock = clock
        self._stale_after = timedelta(seconds=stale_after_s)
        self._secrets = secrets
        self._store = store
        self._calls = calls
        self._on_failed = on_failed

    def plan(self, refs: Sequence[JobRef]) -> Mapping[JobRef, Plan]:
        """Return each run's plan from its task as it stands now."""
        tasks = self._store.find_many(refs, [r.subject for r in refs])
        return {ref: self._plan(ref, tasks.get(ref.subject)) for ref in refs}

    def _plan(self, ref: JobRef, task: Task | None) -> Plan:
        if task is None:
            return Plan(refuse="task_deleted")
        if self._secrets.is_gone(task.owner_id):
            return Plan(refuse="owner_gone")
        scheduled = ref.trigger is Trigger.SCHEDULE
        return Plan(
            max_retries=task.definition.max_retry,
            retry=task.definition.retry,
            timeout_s=task.definition.timeout_s,
            refuse="task_paused" if scheduled and task.paused else None,
            refuse_new=self._refusal(ref, task) if scheduled else None,
            payload=Work(task=task),
        )

    def arm(self, plan: Plan) -> Plan:
        """Return the plan with the secrets that sign its call."""
        return _with_secrets(plan, self._secrets)

    def _refusal(self, ref: JobRef, task: Task) -> str | None:
        """Return why a slot that has not begun is void: the task changed, or it waited too long.

        Ticks judge misfires by when they find a slot; this is for what then lay in the queue. Runs
        that queue for one another are meant to wait.
        """
        if ref.epoch != task.epoch:
            return "task_changed"
        now = self._clock.now()
        misfire = task.definition.misfire
        waits = ref.overlap is Overlap.QUEUE or misfire is Misfire.RUN_ALL
        if waits or now - ref.due_at <= self._stale_after:
            return None
        following = task.schedule.next_after(ref.due_at) if task.schedule else None
        passed = following is not None and following <= now
        return "misfired" if passed or misfire is Misfire.SKIP else None

    async def perform(self, ref: JobRef, plan: Plan, attempt: int, pulse: Pulse) -> Result:  # noqa: ARG002 - a call is too short to tell of progress
        """Call the task's webhook once."""
        work: Work = plan.payload
        task = work.task
        extra = {
            **{name.lower(): value for name, value in task.definition.headers.items()},
            "x-nightshift-task-id": task.id,
            "x-nightshift-attempt": str(attempt),
            "x-nightshift-scheduled-for": rfc3339(ref.due_at),
        }
        return await self._calls.call(
            ref,
            url=task.definition.url,
            method=task.definition.method.value,
            body=task.definition.payload,
            extra=extra,
            timeout_s=task.definition.timeout_s,
            secrets=work.secrets,
        )

    def settle(self, record: Record) -> None:
        """Tell of a failed run; a success needs no more."""
        if record.status is JobStatus.FAILED:
            self._on_failed(record)


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
        tasks = self._store.find_many(refs, [task_of_notice(r)[0] for r in refs])
        return {ref: self._plan(ref, tasks.get(task_of_notice(ref)[0])) for ref in refs}

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
        return _with_secrets(plan, self._secrets)

    def _told(self, ref: JobRef, task: Task) -> dict[str, Any]:
        """Return what the notice says of the run."""
        run_id = task_of_notice(ref)[1]
        run = self._jobs.find(RUN_KIND, task.id, run_id)
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


def task_of_notice(ref: JobRef) -> tuple[str, str]:
    """Return the task's and the run's id of a notice."""
    task_id, _, run_id = ref.subject.partition("/")
    return task_id, run_id


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
        tasks = self._store.find_many([ref], [ref.subject])
        task = tasks.get(ref.subject)
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
        subject=f"{ref.subject}/{ref.job_id}",
        job_id=JobId(derived_id(moment, NOTICE_KIND, ref.job_id)),
        owner_id=ref.owner_id,
        due_ms=ref.due_ms,
        trigger=Trigger.EVENT,
    )
