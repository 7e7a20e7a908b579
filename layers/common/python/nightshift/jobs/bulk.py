"""Many jobs cancelled or tried again at once: a job of its own, `jobs.bulk`.

It goes through its owner's jobs from the newest to the oldest in portions. Which jobs of a portion
are meant is saved before any of them is touched, so that an attempt that follows a crash touches
the same ones, and counts them once. Work that takes long goes on in further attempts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from nightshift.core.clock import Clock
from nightshift.core.errors import NightshiftError
from nightshift.jobs.checkpoints import Checkpoints
from nightshift.jobs.kinds import Completed, Job, JobKind, Snooze
from nightshift.jobs.model import BULK_KIND, JobStatus, QueueName, Token
from nightshift.jobs.owned import OwnedJobs
from nightshift.jobs.search import JobFilter
from nightshift.jobs.views import JobView

TIMEOUT_S = 120.0
WORK_FOR = timedelta(seconds=60)
"""How long one attempt works; then it lets others of its queue have a turn."""
TURN_S = 1.0
PORTION = 50


class BulkAction(StrEnum):
    """What is done to the jobs."""

    CANCEL = "cancel"
    RETRY = "retry"


MEANT = {
    BulkAction.CANCEL: frozenset({JobStatus.PENDING, JobStatus.PROCESSING}),
    BulkAction.RETRY: frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED}),
}
"""The statuses of jobs that an action can be done to."""
USUAL = {
    BulkAction.CANCEL: MEANT[BulkAction.CANCEL],
    BulkAction.RETRY: frozenset({JobStatus.FAILED}),
}
"""Those that are meant where none are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOrder:
    """What is to be done, and to which of the owner's jobs.

    `created_before_ms` is at most the time of the request, so that there is an end.
    """

    owner_id: str
    action: BulkAction
    statuses: tuple[JobStatus, ...]
    created_before_ms: int
    kind: str | None = None
    queue: QueueName | None = None
    created_after_ms: int | None = None

    def wanted(self) -> JobFilter:
        """Return the filter of the jobs."""
        return JobFilter(
            kind=self.kind,
            queue=self.queue,
            statuses=frozenset(self.statuses),
            created_after_ms=self.created_after_ms,
            created_before_ms=self.created_before_ms,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """How far it has come: `targets` of the portion at hand, the id to go on `after`, the counts.

    A target is a job's id and the token of its record as it was found. With `last`, there is no
    portion after this one.
    """

    targets: tuple[tuple[str, str | None], ...] = ()
    after: str | None = None
    last: bool = False
    changed: int = 0
    unchanged: Mapping[str, int] = field(default_factory=dict)

    def counted(self, error: str | None) -> "_State":
        """Return the state with one more job that was changed, or was not for this reason."""
        if error is None:
            return replace(self, changed=self.changed + 1)
        return replace(self, unchanged={**self.unchanged, error: self.unchanged.get(error, 0) + 1})


class BulkJobs:
    """The handler of `jobs.bulk`."""

    def __init__(self, jobs: OwnedJobs, checkpoints: Checkpoints, clock: Clock) -> None:
        self._jobs = jobs
        self._checkpoints = checkpoints
        self._clock = clock

    def __call__(self, job: Job[BulkOrder]) -> Completed | Snooze:
        """Work for a while; answer what came of it all, or a snooze while there is more."""
        state = self._act(job, _state_of(self._checkpoints.find(job)))
        until = self._clock.now() + WORK_FOR
        while not state.last:
            if self._clock.now() >= until:
                self._checkpoints.save(job, asdict(state))
                return Snooze(delay_s=TURN_S)
            state = self._act(job, self._next(job, state))
        return Completed(result=_result(job.payload, state))

    def _next(self, job: Job[BulkOrder], state: _State) -> _State:
        """Return the state with the next portion; it is saved if anything is to be done."""
        order = job.payload
        portions = self._jobs.search.portions(
            order.owner_id, order.wanted(), start_after=state.after, size=PORTION
        )
        portion = next(portions)
        state = replace(
            state,
            targets=tuple((v.ref.job_id, v.token) for v in portion.views if _is_meant(v, job)),
            after=portion.after,
            last=portion.after is None,
        )
        if state.targets:
            self._checkpoints.save(job, asdict(state))
        return state

    def _act(self, job: Job[BulkOrder], state: _State) -> _State:
        """Do what is to be done to each target, and return the state without them."""
        for job_id, token in state.targets:
            job.progress(state.changed, note=f"{job.payload.action}: {job_id}")
            state = state.counted(self._change(job.payload, job_id, token))
        job.progress(state.changed)
        return replace(state, targets=())

    def _change(self, order: BulkOrder, job_id: str, token: str | None) -> str | None:
        """Change one job; return why it was not, None if it is as it was to be.

        One that an attempt before this has changed already is as it was to be.
        """
        try:
            if order.action is BulkAction.CANCEL:
                self._jobs.cancel(order.owner_id, job_id)
            else:
                self._jobs.retry(order.owner_id, job_id, seen=Token(token or ""))
        except NightshiftError as error:
            return error.slug
        return None


def _is_meant(view: JobView, job: Job[BulkOrder]) -> bool:
    """Tell whether a job that the filter takes is to be changed: bulk jobs only if named."""
    if view.ref.kind != BULK_KIND:
        return True
    order = job.payload
    by_name = order.kind == BULK_KIND and order.action is BulkAction.CANCEL
    return by_name and view.ref.job_id != job.id


def _state_of(saved: Any) -> _State:  # noqa: ANN401 - what was saved, as JSON
    if saved is None:
        return _State()
    return _State(**saved | {"targets": tuple((j, t) for j, t in saved["targets"])})


def _result(order: BulkOrder, state: _State) -> dict[str, object]:
    return {
        "action": order.action.value,
        "matched": state.changed + sum(state.unchanged.values()),
        "changed": state.changed,
        "unchanged": dict(state.unchanged),
    }


def bulk_kind(handler: BulkJobs) -> JobKind[BulkOrder]:
    """Return the kind `jobs.bulk`: one at a time for each owner."""
    return JobKind(
        name=BULK_KIND,
        payload=BulkOrder,
        handler=handler,
        queue=QueueName.LOW,
        max_retries=5,
        timeout_s=TIMEOUT_S,
        subject=lambda order: order.owner_id,
        shows_payload=True,
    )
