"""A task's runs: the engine's jobs in the words of tasks.

Backfilled runs have a subject of their own, so that they and the schedule are in nobody's way. Who
reads need not know: pages and logs hold both, by the time of their slots.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nightshift.jobs.errors import JobNotEndedError, JobNotFoundError, JobNotOpenError
from nightshift.jobs.model import Attempt, Trigger
from nightshift.jobs.service import JobService
from nightshift.jobs.views import JobView
from nightshift.tasks.errors import RunNotEndedError, RunNotFoundError, RunNotOpenError
from nightshift.tasks.model import RUN_KIND
from nightshift.tasks.refs import backfill_subject

MAX_PAGES = 10
"""How many pages are looked through for runs of one trigger before a page is given back empty."""


class TaskRuns:
    """The runs of tasks. Whose task it is has been checked by then."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    def get(self, task_id: str, run_id: str) -> JobView:
        """Return one run, backfilled or not.

        Raises:
            RunNotFoundError: the task has no such run, or not any more.
        """
        for subject in _subjects(task_id, None):
            view = self._jobs.find(RUN_KIND, subject, run_id)
            if view is not None:
                return view
        raise RunNotFoundError

    def page(
        self, task_id: str, *, trigger: Trigger | None, start_after: str | None, limit: int
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
        self, task_id: str, *, start_after: tuple[str, int] | None, limit: int
    ) -> tuple[list[tuple[JobView, Attempt]], tuple[str, int] | None]:
        """Return a page of the attempts of a task's runs; see `JobService.log_page`."""
        subjects = _subjects(task_id, None)
        return self._jobs.log_page(RUN_KIND, *subjects, start_after=start_after, limit=limit)

    def attempts(self, view: JobView) -> list[Attempt]:
        """Return the log of a run, oldest attempt first."""
        return self._jobs.attempts(RUN_KIND, view.ref.subject, view.ref.job_id)

    def cancel(self, task_id: str, run_id: str) -> JobView:
        """End an open run; a call that is under way is not interrupted, but its answer is void.

        Raises:
            RunNotFoundError, RunNotOpenError: there is no such run, or it has ended.
        """
        ref = self.get(task_id, run_id).ref
        with words_of_runs():
            return self._jobs.cancel(RUN_KIND, ref.subject, ref.job_id)

    def retry(self, task_id: str, run_id: str) -> JobView:
        """Try an ended run again, with a new series of retries.

        Raises:
            RunNotFoundError, RunNotEndedError: there is no such run, or it is still open.
        """
        ref = self.get(task_id, run_id).ref
        with words_of_runs():
            return self._jobs.retry(RUN_KIND, ref.subject, ref.job_id)


def _subjects(task_id: str, trigger: Trigger | None) -> tuple[str, ...]:
    backfill = backfill_subject(task_id)
    if trigger is None:
        return task_id, backfill
    return (backfill,) if trigger is Trigger.BACKFILL else (task_id,)


def _fits(view: JobView, trigger: Trigger | None) -> bool:
    return trigger in {None, Trigger.BACKFILL, view.ref.trigger}


@contextmanager
def words_of_runs() -> Iterator[None]:
    """Turn what the engine says of a job into what tasks say of a run."""
    try:
        yield
    except JobNotFoundError as error:
        raise RunNotFoundError from error
    except JobNotOpenError as error:
        raise RunNotOpenError from error
    except JobNotEndedError as error:
        raise RunNotEndedError from error
