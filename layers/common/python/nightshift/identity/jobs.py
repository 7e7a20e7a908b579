"""Identity's kind of job: removing what a deleted user leaves behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import UserId
from nightshift.jobs.kinds import Job, JobKind
from nightshift.jobs.model import QueueName
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.service import JobService

LEAVE_KIND = "identity.leave"
TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """The payload: who is gone."""

    user_id: str


def leave_kind(purge: Callable[[UserId], None]) -> JobKind[Left]:
    """Return the kind, which tries for hours: nobody else looks after what is left."""

    def handle(job: Job[Left]) -> None:
        purge(UserId(job.payload.user_id))

    return JobKind(
        name=LEAVE_KIND,
        payload=Left,
        handler=handle,
        queue=QueueName.LOW,
        max_retries=10,
        retry=RetryPolicy(delay_s=30),
        timeout_s=TIMEOUT_S,
        subject=lambda payload: payload.user_id,
        quiet=True,
    )


class JobLeaver:
    """Deletes accounts together with the job; see `leaving.Leaver`."""

    def __init__(self, jobs: JobService, kind: JobKind[Left]) -> None:
        self._jobs = jobs
        self._kind = kind

    def leave(self, user_id: UserId, writes: Sequence[TransactPart]) -> None:
        """Delete, and enqueue."""
        self._jobs.enqueue(self._kind, Left(user_id=user_id), owner_id=user_id, writes=writes)
