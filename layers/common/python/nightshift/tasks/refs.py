"""References to the tasks' jobs: how those of one task are told apart, and which task each is of.

A task's own runs have its id as their subject, those of backfills another, so that neither waits
for the other's seat; a notice names the run that it tells of. The lane of a backfilled run says
which backfill started it, and how many of that may run at once.
"""

from datetime import datetime

from nightshift.core.clock import to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.model import Gate, JobId, JobRef, Overlap, QueueName, Trigger
from nightshift.tasks.model import BACKFILL_KIND, RUN_KIND, Task, TaskId

_BACKFILL = "/backfill"


def backfill_subject(task_id: str) -> str:
    """Return the subject of a task's backfilled runs."""
    return task_id + _BACKFILL


def backfill_job(backfill_id: str, owner_id: str) -> JobRef:
    """Return a reference by which a backfill's record is found."""
    return JobRef(
        kind=BACKFILL_KIND,
        subject=backfill_id,
        job_id=JobId(backfill_id),
        owner_id=owner_id,
        due_ms=0,
        queue=QueueName.LOW,
    )


def backfilled_run(task: Task, slot: datetime, backfill_id: str, *, max_parallel: int) -> JobRef:
    """Return a backfill's run of a slot: the same slot is the same run, however often it is made.

    Runs that may not overlap wait for one another's seat, others for their backfill's gate.
    """
    return JobRef(
        kind=RUN_KIND,
        subject=backfill_subject(task.id),
        job_id=JobId(derived_id(slot, RUN_KIND, task.id, backfill_id)),
        owner_id=task.owner_id,
        due_ms=to_ms(slot),
        epoch=task.epoch,
        trigger=Trigger.BACKFILL,
        overlap=Overlap.ALLOW if max_parallel > 1 else Overlap.QUEUE,
        lane=f"{backfill_id}/{max_parallel}",
    )


def backfill_of(ref: JobRef) -> str | None:
    """Return the id of the backfill that a run belongs to, None for other runs."""
    return ref.lane.partition("/")[0] if ref.subject.endswith(_BACKFILL) else None


def backfill_gate(ref: JobRef) -> Gate | None:
    """Return the gate that a backfilled run shares with the others of its backfill, if any.

    One that somebody tries again by hand has none.
    """
    if ref.trigger is not Trigger.BACKFILL or ref.overlap is not Overlap.ALLOW:
        return None
    backfill_id, _, parallel = ref.lane.partition("/")
    return Gate(key=f"B#{backfill_id}", parallelism=int(parallel))


def task_of(ref: JobRef) -> TaskId:
    """Return the id of the task that a job belongs to."""
    return TaskId(ref.subject.partition("/")[0])


def notice_subject(run: JobRef) -> str:
    """Return the subject of the notice of a run."""
    return f"{run.subject}/{run.job_id}"


def run_of(notice: JobRef) -> tuple[str, str]:
    """Return the subject and the id of the run that a notice tells of."""
    subject, _, run_id = notice.subject.rpartition("/")
    return subject, run_id
