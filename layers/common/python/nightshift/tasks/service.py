"""Tasks: create, read, change, pause, delete, run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from nightshift.core.access import UserId
from nightshift.core.clock import Clock, to_ms
from nightshift.core.ids import is_id
from nightshift.jobs.model import JobId, JobRef, Overlap, Trigger
from nightshift.jobs.service import JobService
from nightshift.jobs.views import JobView
from nightshift.tasks.checks import check_definition
from nightshift.tasks.errors import (
    TaskBusyError,
    TaskChangedError,
    TaskNotFoundError,
    TaskVersionError,
)
from nightshift.tasks.model import RUN_KIND, Definition, Task, TaskId, TaskView
from nightshift.tasks.planning import Planner, Scheduling
from nightshift.tasks.runs import TaskRuns
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.store import TaskStore

READ_THREADS = 8
DELETE_TRIES = 3


class TaskService:
    """The tasks of their owners. Whose task it is comes with every call; another's is not found."""

    def __init__(
        self,
        *,
        store: TaskStore,
        jobs: JobService,
        planner: Planner,
        clock: Clock,
        new_id: Callable[[datetime], str],
        settings: TaskSettings,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self.runs = TaskRuns(jobs)
        self._planner = planner
        self._clock = clock
        self._new_id = new_id
        self._settings = settings

    def create(
        self, owner_id: UserId, said: Definition, *, task_id: str | None = None,
        key: str | None = None,
    ) -> TaskView:  # fmt: skip
        """Store a new task and put its schedule into force.

        `task_id` makes a repeat of the same creation find what the first made.

        Raises:
            what `check_definition` raises; TaskKeyTakenError.
        """
        self._check(said)
        now = self._clock.now()
        task = Task(
            id=TaskId(task_id or self._new_id(now)),
            owner_id=owner_id,
            key=key,
            created_at=now,
            updated_at=now,
            anchor=_whole_second(now),
            active_since=now,
            definition=said,
        )
        entering = self._planner.enter(task, now)
        self._store.add(task, entering.parts)
        self._jobs.send_direct(entering.messages)
        return TaskView(task=task, last=None)

    def _check(self, said: Definition) -> None:
        check_definition(said, self._clock.now(), allow_loopback=self._settings.allow_loopback)

    def get(self, owner_id: UserId, id_or_key: str) -> TaskView:
        """Return a task by its id or the owner's own key.

        Raises:
            TaskNotFoundError: the owner has no such task.
        """
        return self._view(self._find(owner_id, id_or_key))

    def get_id(self, owner_id: UserId, id_or_key: str) -> TaskId:
        """Return the id of an existing task.

        Raises:
            TaskNotFoundError: the owner has no such task.
        """
        return self._find(owner_id, id_or_key).id

    def find_id(self, owner_id: UserId, id_or_key: str) -> TaskId | None:
        """Return the id that an id or key stands for, None for a key that is not in use."""
        if is_id(id_or_key):
            return TaskId(id_or_key)
        return self._store.find_id(owner_id, id_or_key)

    def _find(self, owner_id: UserId, id_or_key: str) -> Task:
        task_id = self.find_id(owner_id, id_or_key)
        task = self._store.find(owner_id, task_id) if task_id else None
        if task is None:
            raise TaskNotFoundError
        return task

    def _view(self, task: Task) -> TaskView:
        return TaskView(task=task, last=self._jobs.latest(RUN_KIND, [task.id]).get(task.id))

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[list[TaskView], str | None]:
        """Return the owner's tasks, newest first, and the id to go on after, None at the end."""
        tasks, after = self._store.page(owner_id, start_after=start_after, limit=limit)
        with ThreadPoolExecutor(READ_THREADS) as pool:
            return list(pool.map(self._view, tasks)), after

    def replace(
        self, owner_id: UserId, id_or_key: str, said: Definition, *, expected: int | None
    ) -> TaskView:
        """Give an existing task these fields; the schedule comes into force anew if it changed.

        Raises:
            what `check_definition` raises; TaskNotFoundError; TaskVersionError: `expected` is not
            the current version; TaskChangedError: a race was lost.
        """
        task = self._find(owner_id, id_or_key)
        _check_version(task, expected)
        return self._replace(task, said)

    def _replace(self, task: Task, said: Definition) -> TaskView:
        same_timing = _timing(task.definition) == _timing(said)
        self._check(replace(said, schedule=None) if same_timing else said)
        if _same_slots(task.definition, said):
            return self._store_next(task, replace(task, definition=said), touch_schedule=False)
        now = self._clock.now()
        changed = replace(
            task,
            definition=said,
            anchor=task.anchor if same_timing else _whole_second(now),
            active_since=now,
            epoch=task.epoch + 1,
        )
        return self._store_next(task, changed, touch_schedule=True)

    def amend(
        self,
        owner_id: UserId,
        id_or_key: str,
        change: Callable[[Definition], Definition],
        *,
        expected: int | None,
    ) -> TaskView:
        """Change an existing task's definition as it stands.

        Raises:
            what `replace` raises; without `expected` a race that was lost is TaskChangedError.
        """
        task = self._find(owner_id, id_or_key)
        _check_version(task, expected)
        return self._replace(task, change(task.definition))

    def put(
        self,
        owner_id: UserId,
        id_or_key: str,
        said: Definition,
        *,
        expected: int | None,
        only_existing: bool = False,
        only_new: bool = False,
    ) -> tuple[TaskView, bool]:
        """Replace the task, or create it under the owner's own key; tell whether it was created.

        Raises:
            what `create` and `replace` raise; TaskNotFoundError for an id that is not in use;
            TaskVersionError if there is nothing to replace and `expected` or `only_existing` is
            given, or something and `only_new`.
        """
        task_id = self.find_id(owner_id, id_or_key)
        if task_id is not None:
            if only_new:
                raise TaskVersionError("If-None-Match asks for a new task, but there is one.")
            return self.replace(owner_id, task_id, said, expected=expected), False
        if expected is not None or only_existing:
            raise TaskVersionError("If-Match was given, but there is no task under this key.")
        return self.create(owner_id, said, key=id_or_key), True

    def _store_next(self, before: Task, after: Task, *, touch_schedule: bool) -> TaskView:
        now = self._clock.now()
        after = replace(after, version=before.version + 1, updated_at=now)
        leaving = entering = Scheduling()
        if touch_schedule:
            leaving = self._planner.leave(before, staying=after)
            entering = self._planner.enter(after, now)
        self._store.replace(after, [*leaving.parts, *entering.parts])
        self._jobs.send_direct(entering.messages)
        return self._view(after)

    def pause(
        self, owner_id: UserId, id_or_key: str, *, reason: str, expected: int | None = None
    ) -> TaskView:
        """Take the task's schedule out of force; pausing twice is pausing once.

        A call under way ends as it ends; retries that wait are cancelled when their time comes.
        """
        task = self._find(owner_id, id_or_key)
        _check_version(task, expected)
        if task.paused:
            return self._view(task)
        paused = replace(task, paused=True, pause_reason=reason, epoch=task.epoch + 1)
        return self._store_next(task, paused, touch_schedule=True)

    def resume(self, owner_id: UserId, id_or_key: str, *, expected: int | None = None) -> TaskView:
        """Put the task's schedule into force again from now on; what was missed stays missed."""
        task = self._find(owner_id, id_or_key)
        _check_version(task, expected)
        if not task.paused:
            return self._view(task)
        resumed = replace(
            task,
            paused=False,
            pause_reason=None,
            active_since=self._clock.now(),
            epoch=task.epoch + 1,
        )
        return self._store_next(task, resumed, touch_schedule=True)

    def delete(self, owner_id: UserId, id_or_key: str, *, expected: int | None = None) -> None:
        """Delete the task; a run under way ends as it ends, and its log goes with its retention."""
        for left in reversed(range(DELETE_TRIES)):
            task = self._find(owner_id, id_or_key)
            _check_version(task, expected)
            try:
                self._store.remove(task, self._planner.leave(task).parts)
            except TaskChangedError:
                if left == 0:
                    raise
            else:
                return

    def run_now(self, owner_id: UserId, id_or_key: str, *, run_id: str | None = None) -> JobRef:
        """Start a run at once, paused or not, beside the schedule; return its reference.

        Raises:
            TaskNotFoundError: the owner has no such task.
            TaskBusyError: a run is open and the task's overlap rule is `skip`.
        """
        view = self.get(owner_id, id_or_key)
        _check_free(view, for_run=run_id)
        now = self._clock.now()
        ref = JobRef(
            kind=RUN_KIND,
            subject=view.task.id,
            job_id=JobId(run_id or self._new_id(now)),
            owner_id=owner_id,
            due_ms=to_ms(now),
            epoch=view.task.epoch,
            trigger=Trigger.MANUAL,
            overlap=view.task.definition.overlap,
        )
        self._jobs.start(ref)
        return ref

    def retry_run(self, owner_id: UserId, id_or_key: str, run_id: str) -> JobView:
        """Try an ended run again, paused or not, with a new series of retries.

        Raises:
            TaskNotFoundError, RunNotFoundError, RunNotEndedError: there is none to try again.
            TaskBusyError: another run is open and the task's overlap rule is `skip`.
        """
        view = self.get(owner_id, id_or_key)
        self.runs.get(view.task.id, run_id)
        _check_free(view, for_run=run_id)
        return self.runs.retry(view.task.id, run_id)


def _same_slots(before: Definition, after: Definition) -> bool:
    """Tell whether what the agenda knows of the task stays as it is."""
    return _timing(before) == _timing(after) and (before.misfire, before.overlap) == (
        after.misfire,
        after.overlap,
    )


def _timing(said: Definition) -> tuple[str | None, str]:
    return said.schedule, said.timezone


def _check_version(task: Task, expected: int | None) -> None:
    if expected is not None and expected != task.version:
        raise TaskVersionError(f"If-Match asks for version {expected}, but it is {task.version}.")


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _check_free(view: TaskView, *, for_run: str | None) -> None:
    """Refuse what would only be skipped, unless it is the very run that is open."""
    last = view.last
    if last is None or last.ended_ms is not None or last.ref.job_id == for_run:
        return
    if view.task.definition.overlap is Overlap.SKIP:
        raise TaskBusyError
