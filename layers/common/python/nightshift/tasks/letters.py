"""Letters to owners of tasks: that one failed, that one paused itself.

They are few on purpose: one at the first failure of a row, at most one an hour and task, and one
when the task pauses. Whether the owner wants them is judged when they are sent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nightshift.core.clock import from_ms, rfc3339
from nightshift.core.errors import NightshiftError
from nightshift.jobs.model import Record
from nightshift.observability import get_log
from nightshift.tasks.model import Task

FAILED, PAUSED = "task_failed", "task_paused"
MAX_NAME_CHARS = 200
HOUR_MS = 3_600_000


class Notifier(Protocol):
    """Takes notices in and sends each once; the email context gives it."""

    def notify(
        self, user_id: str, template: str, data: Mapping[str, Any], *, key: str = ""
    ) -> None:
        """Take a notice to a user in; the same user, template and key again is nothing new."""
        ...


class NoNotifier:
    """Takes notices and sends none, for a stack without mail."""

    def notify(
        self, user_id: str, template: str, data: Mapping[str, Any], *, key: str = ""
    ) -> None:
        """Do nothing; see `Notifier`."""


class OwnerLetters:
    """Writes to owners; a letter that cannot be taken in is let go, the log says so."""

    def __init__(self, notifier: Callable[[], Notifier]) -> None:
        self._notifier = notifier

    def failed(self, record: Record, task: Task) -> None:
        """Tell of a run that failed for good; once an hour at most."""
        last = record.last
        data = {
            **_about(task),
            "run_id": record.ref.job_id,
            "scheduled_for": rfc3339(record.ref.due_at),
            "attempts": record.closed,
            "reason": record.reason or "",
            "response_status": last.response_status if last else None,
        }
        hour = record.ref.due_ms // HOUR_MS
        self._write(record, FAILED, data, key=f"{task.id}:{hour}")

    def paused(self, record: Record, task: Task, *, failures: int) -> None:
        """Tell that the task paused itself after this run."""
        ended_ms = record.ended_ms or record.ref.due_ms
        data = {**_about(task), "failures": failures, "paused_at": rfc3339(from_ms(ended_ms))}
        self._write(record, PAUSED, data, key=f"{task.id}:{record.ref.job_id}")

    def _write(self, record: Record, template: str, data: Mapping[str, Any], *, key: str) -> None:
        try:
            self._notifier().notify(record.ref.owner_id, template, data, key=key)
        except NightshiftError as error:
            get_log().warning(
                "letter.lost",
                template=template,
                error=error.slug,
                run_id=record.ref.job_id,
                user_id=record.ref.owner_id,
            )


def _about(task: Task) -> dict[str, Any]:
    """Return what says which task; no link, as long as there is no page of a task."""
    return {
        "task_id": task.id,
        "task_name": task.definition.name[:MAX_NAME_CHARS],
    }
