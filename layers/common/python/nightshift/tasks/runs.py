"""The runs of tasks: those of the schedule and those started by hand, beside those of backfills.

Backfilled runs have a subject of their own, so that they and the schedule are in nobody's way. Who
reads need not know: pages and logs hold both, by the time of their slots.
"""

from nightshift.core.access import UserId
from nightshift.jobs.errors import JobNotFoundError
from nightshift.jobs.model import Attempt, Trigger
from nightshift.jobs.service import JobService
from nightshift.jobs.views import JobView
from nightshift.tasks.model import RUN_KIND, TaskId
from nightshift.tasks.refs import backfill_subject
from nightshift.tasks.service import TaskService, check_free

MAX_PAGES = 10
"""How many pages are looked through for runs of one trigger before a page is given back empty."""


class RunService:
    """The runs of an owner's tasks."""

    def __init__(self, tasks: TaskService, jobs: JobService) -> None:
        self._tasks = tasks
        self._jobs = jobs

    def page(
        self, task_id: TaskId, *, trigger: Trigger | None, start_after: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Return a page of a task's runs, newest slot first, and the id to go on after or None.

        With `trigger` only such runs; pages may then hold fewer than `limit`.
        """
        subjects = _subjects(task_id, trigger)
        after = start_after
        for _ in range(MAX_PAGES):
            views, after = self._jobs.page(RUN_KIND, *subjects, start_after=after, limit=limit)
            found = [view for view in views if _fits(view, trigger)]
            if found or after is None:
                return found, after
        return [], after

    def log_page(
        self, task_id: TaskId, *, start_after: tuple[str, int] | None, limit: int
    ) -> tuple[list[tuple[JobView, Attempt]], tuple[str, int] | None]:
        """Return a page of the attempts of a task's runs; see `JobService.log_page`."""
        subjects = _subjects(task_id, None)
        return self._jobs.log_page(RUN_KIND, *subjects, start_after=start_after, limit=limit)

    def get(self, task_id: TaskId, run_id: str) -> JobView:
        """Return one run of a task.

        Raises:
            JobNotFoundError: the task has no such run, or not any more.
        """
        for subject in _subjects(task_id, None):
            view = self._jobs.find(RUN_KIND, subject, run_id)
            if view is not None:
                return view
        raise JobNotFoundError

    def attempts(self, view: JobView) -> list[Attempt]:
        """Return the log of a run, oldest attempt first."""
        return self._jobs.attempts(RUN_KIND, view.ref.subject, view.ref.job_id)

    def cancel(self, task_id: TaskId, run_id: str) -> JobView:
        """End an open run; see `JobService.cancel`."""
        ref = self.get(task_id, run_id).ref
        return self._jobs.cancel(RUN_KIND, ref.subject, ref.job_id)

    def retry(self, owner_id: UserId, id_or_key: str, run_id: str) -> JobView:
        """Try an ended run again, paused or not, with a new series of retries.

        Raises:
            TaskNotFoundError, JobNotFoundError, JobNotEndedError: there is none to try again.
            TaskBusyError: another run is open and the task's overlap rule is `skip`.
        """
        task = self._tasks.get(owner_id, id_or_key)
        ref = self.get(task.task.id, run_id).ref
        if ref.subject == task.task.id:
            check_free(task, for_run=run_id)
        return self._jobs.retry(RUN_KIND, ref.subject, ref.job_id)


def _subjects(task_id: TaskId, trigger: Trigger | None) -> tuple[str, ...]:
    backfill = backfill_subject(task_id)
    if trigger is None:
        return task_id, backfill
    return (backfill,) if trigger is Trigger.BACKFILL else (task_id,)


def _fits(view: JobView, trigger: Trigger | None) -> bool:
    return trigger in {None, Trigger.BACKFILL, view.ref.trigger}
