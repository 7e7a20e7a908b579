"""What a job is: its reference on the wire, its seat, its record, its attempts.

A job belongs to a `subject` (a task, a report, ...). The seat says who works for the subject now;
the record says how a job stands, and is written when an attempt closes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, Protocol, TypeVar

from nightshift.core.clock import from_ms, to_ms
from nightshift.jobs.retry import RetryPolicy

JobId = NewType("JobId", str)
Token = NewType("Token", str)
T = TypeVar("T")
BULK_KIND = "jobs.bulk"
"""The engine's own kind: many jobs cancelled or tried again."""


class QueueName(StrEnum):
    """The queues; each has functions of its own, and its own share of what may run at once."""

    CRITICAL = "critical"
    DEFAULT = "default"
    LOW = "low"


class JobStatus(StrEnum):
    """How a job stands. The last three are terminal: only a retry asked for leaves them."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class AttemptStatus(StrEnum):
    """How one attempt stands, in the words of the run log."""

    RUNNING = "running"
    FINISH = "finish"
    FAILED = "failed"
    SNOOZED = "snoozed"


class Trigger(StrEnum):
    """What caused a job."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    EVENT = "event"
    BACKFILL = "backfill"


class Overlap(StrEnum):
    """What happens to a job that comes while another of its subject is open."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


class Reason(StrEnum):
    """Why a job or an attempt ended as it did, where the answer alone does not say it."""

    OVERLAP = "skipped_overlap"
    WORKER_LOST = "worker_lost"
    TIMED_OUT = "timed_out"
    DEAD_LETTER = "dead_letter"
    CANCELLED = "cancelled"
    QUEUE_FULL = "queue_full"
    GIVEN_UP = "given_up"
    REPLACED = "replaced"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_KIND = "unknown_kind"
    TOO_MANY_ATTEMPTS = "too_many_attempts"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRef:
    """All that a message needs to say of a job; the table holds the rest.

    `epoch` is the subject's counter of changes that make waiting messages void. `due_ms` is the
    time that the job is meant for, in milliseconds since the Unix epoch; `job_id` is a function of
    subject and due time where the job comes from a schedule. `overlap` travels with the job, so
    that a change of the rule does not split a job that has begun between two seats; so does
    `queue`. `lane` is free for the kind: what it must know of the job beside its subject.
    """

    kind: str
    subject: str
    job_id: JobId
    owner_id: str
    due_ms: int
    epoch: int = 0
    trigger: Trigger = Trigger.SCHEDULE
    overlap: Overlap = Overlap.ALLOW
    queue: QueueName = QueueName.CRITICAL
    lane: str = ""

    @property
    def due_at(self) -> datetime:
        """The time that the job is meant for."""
        return from_ms(self.due_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One attempt asked for: the hint that travels through the queue or waits in the agenda.

    `not_before_ms` is when the attempt may start; for a first attempt that is the due time, unless
    its schedule spreads. `pass_ms` is the start that a gate with a rate has reserved for it, 0 for
    none.
    """

    ref: JobRef
    attempt: int
    not_before_ms: int
    pass_ms: int = 0

    @classmethod
    def first(cls, ref: JobRef) -> "Message":
        """Return the message for a job's first attempt."""
        return cls(ref=ref, attempt=1, not_before_ms=ref.due_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What was enqueued. `payload` is JSON text; if it lies in the bucket, None and its `blob`."""

    ref: JobRef
    created_ms: int
    payload: str | None
    blob: str | None = None
    unique_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One entry of a job's log. Times are milliseconds since the epoch, durations milliseconds."""

    number: int
    status: AttemptStatus
    started_ms: int
    execution_ms: int | None = None
    response_status: int | None = None
    message: str = ""
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobProgress:
    """How far a job has come: `done` of `total` in units of the kind's own, and a short note."""

    done: int
    total: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputRef:
    """A job's output in the payloads bucket: where it lies, what it is, its size in bytes."""

    key: str
    content_type: str
    filename: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Who works for a subject now, or did last: the claim.

    `lease_ms` is when the claim may be taken over. The seat is free once the job's record is
    terminal; nobody writes a release.
    """

    ref: JobRef
    attempt: int
    token: Token
    lease_ms: int
    started_ms: int
    progress: JobProgress | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """How a job stands as of its last closed attempt.

    `closed` counts closed attempts and fences: an attempt closes only if its number is greater.
    `base` is the count at which the current series of retries began, above zero after a manual
    retry; attempts that were snoozed raise it, too. `token` is that of whoever wrote last.
    `result` is small JSON; a large one is in `output`.
    """

    ref: JobRef
    status: JobStatus
    closed: int
    created_ms: int
    token: Token
    base: int = 0
    last: Attempt | None = None
    next_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    progress: JobProgress | None = None
    result: Any = None
    output: OutputRef | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended."""
        return self.status in TERMINAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the table says of a job's subject at one moment, read consistently."""

    seat: Seat | None
    record: Record | None
    holder: Record | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of one attempt. `retry_after_s` is what the receiver asked for, in seconds.

    With `snooze_s` the attempt neither succeeded nor failed: the job wants to go on later. `value`
    is JSON for whoever asked for the job, `output` a file that the work has stored itself.
    """

    succeeded: bool
    message: str = ""
    response_status: int | None = None
    error: str | None = None
    retryable: bool = True
    retry_after_s: float | None = None
    snooze_s: float | None = None
    value: Any = None
    output: OutputRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A limit that jobs share by its `key`: how many run at once, how many start in `period_s`.

    Starts are evenly spaced. The limits are those of the job that comes: they may change at any
    time, and differ between jobs.
    """

    key: str
    parallelism: int | None = None
    rate: int | None = None
    period_s: float | None = None

    @property
    def spacing_ms(self) -> int:
        """Milliseconds between two starts, 0 without a rate."""
        return round((self.period_s or 1.0) * 1000 / self.rate) if self.rate else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a kind wants one job run.

    `refuse`, where set, says why the job must not start (again): its subject is gone or paused.
    `refuse_new` says the same of a job that has not begun yet. `gates` are passed in order before
    an attempt starts. `max_waiting` bounds how many jobs may wait for one subject, None: any.
    `payload` is the kind's own.
    """

    max_retries: int = 0
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - frozen, so one for all is safe
    timeout_s: float = 30.0
    refuse: str | None = None
    refuse_new: str | None = None
    gates: tuple[Gate, ...] = ()
    max_waiting: int | None = 100
    payload: Any = None

    def refusal(self, *, begun: bool) -> str | None:
        """Return why the next attempt must not be made, None if it may."""
        return self.refuse or (None if begun else self.refuse_new)


class Pulse(Protocol):
    """An attempt's link to the table while it runs."""

    def progress(self, progress: JobProgress) -> None:
        """Tell how far the work has come; written now and then, not at each call.

        Raises:
            JobLostError: the attempt is cancelled, or another worker has it: stop.
        """
        ...

    async def in_thread(self, work: Callable[[], T], *, timeout_s: float) -> T:
        """Run blocking work beside the event loop, and stop it after `timeout_s` seconds.

        Raises:
            TimeoutError: it took too long.
        """
        ...


class Kind(Protocol):
    """A kind of job, declared by the context that owns it."""

    @property
    def name(self) -> str:
        """The stable name in references and logs, such as `task.run`."""
        ...

    def plan(self, refs: Sequence[JobRef]) -> Mapping[JobRef, Plan]:
        """Return how to run each of `refs`; one call for a batch, so that reads are shared."""
        ...

    def arm(self, plan: Plan) -> Plan:
        """Return the plan with what only an attempt needs, such as keys; may read, may refuse.

        Called by workers, before anything is claimed; `plan` is asked by others, too.
        """
        ...

    async def perform(self, ref: JobRef, plan: Plan, attempt: int, pulse: "Pulse") -> Result:
        """Do the work of one attempt. What it raises counts as a failed, retryable attempt."""
        ...

    def settle(self, record: Record) -> None:
        """Act on a job's end. May be called more than once for one end; must come to the same."""
        ...


def elapsed_ms(since_ms: int, now: datetime) -> int:
    """Return the milliseconds from `since_ms` to `now`, never negative."""
    return max(0, to_ms(now) - since_ms)


def plans_of(kinds: Mapping[str, Kind], refs: Sequence[JobRef]) -> dict[JobRef, Plan]:
    """Return the plan of each job, asking each kind once.

    A job of a kind that is not among `kinds`, any more or yet, is refused.
    """
    by_kind: dict[str, list[JobRef]] = {}
    for ref in refs:
        by_kind.setdefault(ref.kind, []).append(ref)
    plans: dict[JobRef, Plan] = {}
    for name, mine in by_kind.items():
        if name in kinds:
            plans.update(kinds[name].plan(mine))
        else:
            plans.update(dict.fromkeys(mine, Plan(refuse=Reason.UNKNOWN_KIND)))
    return plans
