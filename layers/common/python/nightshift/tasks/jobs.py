"""The kind of a task's runs, which call its webhook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from nightshift.core.clock import Clock, rfc3339
from nightshift.jobs.model import (
    Gate,
    JobRef,
    JobStatus,
    Overlap,
    Plan,
    Pulse,
    Record,
    Result,
    Trigger,
)
from nightshift.outbound.signing import signed_headers
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Outcome, Sender
from nightshift.tasks.flow import FlowGates
from nightshift.tasks.model import RUN_KIND, Misfire, Task
from nightshift.tasks.refs import backfill_gate, backfill_job, backfill_of, task_of
from nightshift.tasks.signing import TaskSecrets
from nightshift.tasks.spread import start_of
from nightshift.tasks.store import TaskStore

USER_AGENT = "Nightshift/1"
RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
FIRST_SERVER_ERROR = 500
MAX_WAITING = 100
"""How many runs of a task may wait for one another (overlap `queue`)."""


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


def with_secrets(plan: Plan, secrets: TaskSecrets) -> Plan:
    """Return the plan with what signs its call."""
    work = plan.payload
    if not isinstance(work, Work):
        return plan
    armed = replace(work, secrets=secrets.signing(work.task.owner_id))
    return replace(plan, payload=armed)


class TaskRun:
    """`task.run`: one slot, or one request, of a task. `records` finds the records of jobs."""

    name = RUN_KIND

    def __init__(
        self,
        *,
        store: TaskStore,
        secrets: TaskSecrets,
        calls: TaskCalls,
        clock: Clock,
        flow: FlowGates,
        records: Callable[[Sequence[JobRef]], Mapping[str, Record]],
        stale_after_s: int,
        on_failed: Callable[[Record], None],
    ) -> None:
        self._clock = clock
        self._stale_after = timedelta(seconds=stale_after_s)
        self._secrets = secrets
        self._store = store
        self._calls = calls
        self._flow = flow
        self._records = records
        self._on_failed = on_failed

    def plan(self, refs: Sequence[JobRef]) -> Mapping[JobRef, Plan]:
        """Return each run's plan from its task as it stands now."""
        tasks = self._store.find_many(refs, [task_of(r) for r in refs])
        shared = self._flow.of(tasks.values())
        cancelled = self._cancelled(refs)
        plans = {}
        for ref in refs:
            task_id = task_of(ref)
            gates = (backfill_gate(ref), shared.get(task_id))
            plan = self._plan(ref, tasks.get(task_id), [gate for gate in gates if gate])
            if ref in cancelled:
                plan = replace(plan, refuse_untried="backfill_cancelled")
            plans[ref] = plan
        return plans

    def _cancelled(self, refs: Sequence[JobRef]) -> set[JobRef]:
        """Return those runs whose backfill was cancelled."""
        backfills = {
            ref: backfill_job(backfill_of(ref) or "", ref.owner_id)
            for ref in refs
            if ref.trigger is Trigger.BACKFILL
        }
        if not backfills:
            return set()
        found = self._records(list(set(backfills.values())))
        gone = {i for i, record in found.items() if record.status is JobStatus.CANCELLED}
        return {ref for ref, backfill in backfills.items() if backfill.job_id in gone}

    def _plan(self, ref: JobRef, task: Task | None, gates: Sequence[Gate]) -> Plan:
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
            gates=tuple(gates),
            max_waiting=MAX_WAITING if backfill_of(ref) is None else None,
            payload=Work(task=task),
        )

    def arm(self, plan: Plan) -> Plan:
        """Return the plan with the secrets that sign its call."""
        return with_secrets(plan, self._secrets)

    def _refusal(self, ref: JobRef, task: Task) -> str | None:
        """Return why a slot that has not begun is void: the task changed, or it waited too long.

        Ticks judge misfires by when they find a slot; this is for what then lay in the queue. Runs
        that queue for one another are meant to wait, and so are those that wait at a gate: they
        have begun, and are not asked.
        """
        if ref.epoch != task.epoch:
            return "task_changed"
        now, start = self._clock.now(), start_of(ref)
        misfire = task.definition.misfire
        waits = ref.overlap is Overlap.QUEUE or misfire is Misfire.RUN_ALL
        if waits or now - start <= self._stale_after:
            return None
        following = task.schedule.next_after(ref.due_at) if task.schedule else None
        passed = following is not None and following + (start - ref.due_at) <= now
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
