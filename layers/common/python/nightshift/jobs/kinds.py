"""Kinds of jobs, declared once: payload, queue, policy, subject, uniqueness, handler.

A context declares its kinds in its `jobs.py` and adds them to the machine in its `wiring.py`.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, cast

from nightshift.core.errors import NightshiftError
from nightshift.jobs import payloads
from nightshift.jobs.model import (
    Gate,
    JobId,
    JobProgress,
    JobRef,
    Order,
    OutputRef,
    Overlap,
    Plan,
    Pulse,
    QueueName,
    Reason,
    Record,
    Result,
)
from nightshift.jobs.retry import RetryPolicy
from nightshift.ports.blobs import BlobNotFoundError

MAX_TIMEOUT_S: Mapping[QueueName, float] = {
    QueueName.CRITICAL: 120.0,
    QueueName.DEFAULT: 120.0,
    QueueName.LOW: 600.0,
}
"""The longest attempt that the functions of each queue have time for."""

P = TypeVar("P")
FlowLimits = Gate
"""What a kind's `flow` returns: a limit that jobs share by key."""


class UniqueMode(StrEnum):
    """What a unique key means for who comes second.

    ACTIVE: as long as a job of the key is open, everybody gets that job. THROTTLE: the same, and
    for `period_s` after that job was made, too. REPLACE: the newest wins; one that has not begun is
    cancelled, one that runs is followed.
    """

    ACTIVE = "active"
    THROTTLE = "throttle"
    REPLACE = "replace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unique(Generic[P]):
    """One active job per key. `period_s` is for `THROTTLE`, in seconds."""

    key: Callable[[P], str]
    mode: UniqueMode = UniqueMode.ACTIVE
    period_s: float = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """The work is done. `result` is JSON for whoever asked; `output` a file stored meanwhile."""

    result: Any = None
    output: OutputRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The attempt failed: a stable slug, and a sentence for people."""

    error: str
    message: str = ""
    retryable: bool = True
    retry_after_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snooze:
    """Not yet: look again after `delay_s` seconds. Costs no retry."""

    delay_s: float


Outcome = Completed | Failed | Snooze | None


class JobError(Exception):
    """A handler's way to fail from deep inside: a slug, a sentence, and whether to try again."""

    def __init__(
        self,
        error: str,
        message: str = "",
        *,
        retryable: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        self.failed = Failed(
            error=error, message=message, retryable=retryable, retry_after_s=retry_after_s
        )
        super().__init__(message or error)


@dataclass(frozen=True, kw_only=True)
class Job(Generic[P]):
    """What a handler is given: the job, its payload, and the way to tell its progress."""

    ref: JobRef
    payload: P
    attempt: int
    pulse: Pulse

    @property
    def id(self) -> str:
        """The job's id."""
        return self.ref.job_id

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self.ref.kind

    @property
    def owner_id(self) -> str:
        """Whose job it is."""
        return self.ref.owner_id

    @property
    def subject(self) -> str:
        """What the job works on."""
        return self.ref.subject

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell how far the work has come; cheap, since it is written only now and then.

        Raises:
            JobLostError: the attempt was cancelled or taken over; let it pass.
        """
        self.pulse.progress(JobProgress(done=done, total=total, note=note[:200]))


Handler = Callable[[Job[P]], Outcome | Awaitable[Outcome]]


class Payloads(Protocol):
    """Where orders and their payloads come from."""

    def find_many(self, refs: Sequence[JobRef]) -> dict[str, Order]:
        """Return the orders of these jobs that exist, by job id."""
        ...

    def payload(self, order: Order) -> Any:  # noqa: ANN401 - the kind knows its payload's type
        """Return an order's payload as plain JSON values."""
        ...


def _anything(_: object) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class JobKind(Generic[P]):
    """A kind of job.

    `payload` is a frozen dataclass, see `payloads`; fields added later need defaults. Jobs of one
    `subject` run one at a time, or up to `concurrency` at a time; without one each job is its own.
    `timeout_s` bounds one attempt and is enforced in the handler's process. `flow` is a limit that
    jobs share by key. `on_end` is called at a job's end, perhaps twice. A `quiet` kind's ends are
    not published on the bus. With `shows_payload` a job's owner may see its payload; a kind whose
    payload holds a token, or what is another's, keeps it to itself.
    """

    name: str
    payload: type[P]
    handler: Handler[P]
    queue: QueueName = QueueName.DEFAULT
    max_retries: int = 3
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - frozen, so one for all is safe
    timeout_s: float = 60.0
    subject: Callable[[P], str] | None = None
    concurrency: int = 1
    unique: Unique[P] | None = None
    flow: Callable[[P], Gate | None] = _anything
    on_end: Callable[[Record], None] = _anything
    quiet: bool = False
    shows_payload: bool = False

    def __post_init__(self) -> None:
        """Refuse what no function could do.

        Raises:
            ValueError: an attempt may take longer than the functions of the queue run.
            TypeError: a field of the payload would not come back from JSON.
        """
        payloads.check_type(self.payload)
        longest = MAX_TIMEOUT_S[self.queue]
        if not 0 < self.timeout_s <= longest:
            raise ValueError(
                f"{self.name}: timeout_s is {self.timeout_s:g}; an attempt on the queue "
                f"{self.queue} may take {longest:g} s at most"
            )

    def ref_of(self, payload: P, *, job_id: str, owner_id: str, due_ms: int) -> JobRef:
        """Return the reference of a job of this kind."""
        alone = self.subject is None or self.concurrency > 1
        return JobRef(
            kind=self.name,
            subject=self.subject(payload) if self.subject else job_id,
            job_id=JobId(job_id),
            owner_id=owner_id,
            due_ms=due_ms,
            overlap=Overlap.ALLOW if alone else Overlap.QUEUE,
            queue=self.queue,
        )

    def encode(self, payload: P) -> str:
        """Return the payload as JSON text.

        Raises:
            TypeError, ValueError: a value is none of JSON's.
        """
        return payloads.encode(payload)

    def decode(self, data: Any) -> P:  # noqa: ANN401 - any JSON may have been stored
        """Return the payload in `data`.

        Raises:
            TypeError, ValueError: the data is none of this kind's.
        """
        return payloads.decode(self.payload, data)

    def bound(self, orders: Payloads, ended: Callable[[Record], None]) -> "BoundKind[P]":
        """Return the kind as the engine runs it; `ended` publishes the end of its jobs."""
        return BoundKind(self, orders, ended)


class BoundKind(Generic[P]):
    """A declared kind on an engine; see `model.Kind`."""

    def __init__(self, said: JobKind[P], orders: Payloads, ended: Callable[[Record], None]) -> None:
        self.said = said
        self._payloads = orders
        self._ended = ended

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.said.name

    def plan(self, refs: Sequence[JobRef]) -> Mapping[JobRef, Plan]:
        """Return each job's plan; one without an order was never enqueued, and is refused."""
        orders = self._payloads.find_many(refs)
        return {ref: self._plan(ref, orders.get(ref.job_id)) for ref in refs}

    def _plan(self, ref: JobRef, order: Order | None) -> Plan:
        if order is None:
            return Plan(refuse=Reason.UNKNOWN_JOB)
        said = self.said
        return Plan(
            max_retries=said.max_retries,
            retry=said.retry,
            timeout_s=said.timeout_s,
            gates=self._gates(ref, order),
            max_waiting=None,
            payload=order,
        )

    def _gates(self, ref: JobRef, order: Order) -> tuple[Gate, ...]:
        """Return the limits; only a kind that has some pays for reading a large payload here."""
        gates = []
        if self.said.subject is not None and self.said.concurrency > 1:
            key = f"S#{ref.kind}#{ref.subject}"
            gates.append(Gate(key=key, parallelism=self.said.concurrency))
        if self.said.flow is not _anything:
            gate = self.said.flow(self.said.decode(self._payloads.payload(order)))
            if gate is not None:
                gates.append(replace(gate, key=f"K#{ref.kind}#{gate.key}"))
        return tuple(gates)

    def arm(self, plan: Plan) -> Plan:
        """Return the plan as it is: a payload is read when the work begins."""
        return plan

    async def perform(self, ref: JobRef, plan: Plan, attempt: int, pulse: Pulse) -> Result:
        """Run the handler on the payload, and return what came of it."""
        handler, said = self.said.handler, self.said
        if inspect.iscoroutinefunction(handler):
            payload = await pulse.in_thread(
                lambda: self._payload(plan.payload), timeout_s=said.timeout_s
            )
            if isinstance(payload, Result):
                return payload
            async with asyncio.timeout(said.timeout_s):
                return await _outcome_of(
                    handler(Job(ref=ref, payload=payload, attempt=attempt, pulse=pulse))
                )
        return await pulse.in_thread(
            lambda: self._run(ref, plan.payload, attempt, pulse), timeout_s=said.timeout_s
        )

    def _run(self, ref: JobRef, order: Order, attempt: int, pulse: Pulse) -> Result:
        payload = self._payload(order)
        if isinstance(payload, Result):
            return payload
        job = Job(ref=ref, payload=payload, attempt=attempt, pulse=pulse)
        try:
            outcome = self.said.handler(job)
        except JobError as error:
            outcome = error.failed
        except NightshiftError as error:
            outcome = _failed(error)
        return result_of(cast("Outcome", outcome))

    def _payload(self, order: Order) -> "P | Result":
        """Return the payload, or the result of a job whose payload cannot be read."""
        try:
            return self.said.decode(self._payloads.payload(order))
        except (TypeError, ValueError, BlobNotFoundError) as error:
            return Result(succeeded=False, error="bad_payload", message=str(error), retryable=False)

    def settle(self, record: Record) -> None:
        """Tell the context and the bus of a job's end."""
        self.said.on_end(record)
        if not self.said.quiet:
            self._ended(record)


async def _outcome_of(running: object) -> Result:
    try:
        return result_of(await cast("Awaitable[Outcome]", running))
    except JobError as error:
        return result_of(error.failed)
    except NightshiftError as error:
        return result_of(_failed(error))


def _failed(error: NightshiftError) -> Failed:
    """Return the failure that a domain error stands for: what is the input's fault stays so."""
    lasting = error.status < 500 and error.status not in {408, 409, 425, 429}  # noqa: PLR2004 - HTTP's classes
    return Failed(
        error=error.slug,
        message=error.message,
        retryable=not lasting,
        retry_after_s=error.retry_after_s,
    )


def result_of(outcome: Outcome) -> Result:
    """Return a handler's outcome in the engine's words."""
    match outcome:
        case None:
            return Result(succeeded=True)
        case Completed(result=value, output=output):
            return Result(succeeded=True, value=value, output=output)
        case Snooze(delay_s=delay_s):
            return Result(succeeded=False, snooze_s=delay_s)
        case Failed():
            return Result(
                succeeded=False,
                error=outcome.error,
                message=outcome.message,
                retryable=outcome.retryable,
                retry_after_s=outcome.retry_after_s,
            )
