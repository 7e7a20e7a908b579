"""A task's runs: the engine's jobs in the words of tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from nightshift.jobs.errors import JobNotEndedError, JobNotFoundError, JobNotOpenError
from nightshift.jobs.model import Attempt
from nightshift.jobs.service import JobService
from nightshift.jobs.views import JobView
from nightshift.tasks.errors import RunNotEndedError, RunNotFoundError, RunNotOpenError
from nightshift.tasks.model import RUN_KIND


class TaskRuns:
    """The runs of tasks. Whose task it is has been checked by then."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    def get(self, task_id: str, run_id: str) -> JobView:
        """Return one run.

        Raises:
            RunNotFoundError: the task has no such run, or not any more.
        """
        with words_of_runs():
            return self._jobs.get(RUN_KIND, task_id, run_id)

    def page(
        self, task_id: str, *, start_after: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Return a page of a task's runs; see `JobService.page`."""
        return self._jobs.page(RUN_KIND, task_id, start_after=start_after, limit=limit)

    def log_page(
        self, task_id: str, *, start_after: tuple[str, int] | None, limit: int
    ) -> tuple[list[tuple[JobView, Attempt]], tuple[str, int] | None]:
        """Return a page of the attempts of a task's runs; see `JobService.log_page`."""
        return self._jobs.log_page(RUN_KIND, task_id, start_after=start_after, limit=limit)

    def attempts(self, task_id: str, run_id: str) -> list[Attempt]:
        """Return the log of a run, oldest attempt first."""
        return self._jobs.attempts(RUN_KIND, task_id, run_id)

    def cancel(self, task_id: str, run_id: str) -> JobView:
        """End an open run; a call that is under way is not interrupted, but its answer is void.

        Raises:
            RunNotFoundError, RunNotOpenError: there is no such run, or it has ended.
        """
        with words_of_runs():
            return self._jobs.cancel(RUN_KIND, task_id, run_id)

    def retry(self, task_id: str, run_id: str) -> JobView:
        """Try an ended run again, with a new series of retries.

        Raises:
            RunNotFoundError, RunNotEndedError: there is no such run, or it is still open.
        """
        with words_of_runs():
            return self._jobs.retry(RUN_KIND, task_id, run_id)


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
