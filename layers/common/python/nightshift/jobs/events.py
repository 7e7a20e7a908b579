"""The events that tell of a job's end on the bus."""

from nightshift.core.clock import from_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.model import Record
from nightshift.ports.bus import DomainEvent


def end_event(record: Record) -> DomainEvent:
    """Return the event of a job's end: `job.completed`, `job.failed` or `job.cancelled`.

    Its id is the same however often the end is told.
    """
    ref = record.ref
    kind = f"job.{record.status.value}"
    return DomainEvent(
        id=derived_id(from_ms(record.ended_ms or ref.due_ms), kind, ref.job_id),
        type=kind,
        subject=ref.job_id,
        user_id=ref.owner_id,
        data={
            "job_id": ref.job_id,
            "kind": ref.kind,
            "queue": ref.queue.value,
            "subject": ref.subject,
            "attempts": record.closed,
            "error": record.reason,
        },
    )
