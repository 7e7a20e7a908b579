"""Tasks in their table."""

from collections.abc import Sequence

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.access import UserId
from nightshift.jobs.model import JobRef
from nightshift.tasks import keys
from nightshift.tasks.errors import TaskChangedError, TaskKeyTakenError
from nightshift.tasks.items import task_item, task_of
from nightshift.tasks.model import Task, TaskId


class TaskStore:
    """The tasks table in the words of the context; its key begins with the owner."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, owner_id: UserId, task_id: str) -> Task | None:
        """Return the owner's task, read consistently, or None."""
        item = self._table.get(keys.task(owner_id, task_id), consistent=True)
        return task_of(item) if item else None

    def find_id(self, owner_id: UserId, key: str) -> TaskId | None:
        """Return the id of the task that the owner's own key stands for, or None."""
        item = self._table.get(keys.by_key(owner_id, key), consistent=True)
        return TaskId(item["task"]) if item else None

    def find_many(self, refs: Sequence[JobRef], ids: Sequence[str]) -> dict[str, Task]:
        """Return the tasks that the references speak of, at least as new as their epochs.

        A first read is eventually consistent; what it misses or shows older than the message
        is read again consistently.
        """
        wanted: dict[str, JobRef] = {}
        for ref, task_id in zip(refs, ids, strict=True):
            if task_id not in wanted or wanted[task_id].epoch < ref.epoch:
                wanted[task_id] = ref
        found = self._read(wanted, consistent=False)
        stale = {i: r for i, r in wanted.items() if i not in found or found[i].epoch < r.epoch}
        return found | self._read(stale, consistent=True)

    def _read(self, wanted: dict[str, JobRef], *, consistent: bool) -> dict[str, Task]:
        lookups = [keys.task(ref.owner_id, task_id) for task_id, ref in wanted.items()]
        tasks = map(task_of, self._table.get_many(lookups, consistent=consistent))
        return {t.id: t for t in tasks}

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[list[Task], str | None]:
        """Return the owner's tasks, newest first, and the id to go on after, None at the end."""
        items = self._table.query(
            keys.owner(owner_id),
            prefix=keys.TASK,
            start_after=keys.TASK + start_after if start_after else None,
            descending=True,
            limit=limit + 1,
            consistent=True,
        )
        tasks = [task_of(item) for item in items]
        return tasks[:limit], tasks[limit - 1].id if len(tasks) > limit else None

    def add(self, task: Task, parts: Sequence[TransactPart]) -> None:
        """Store a new task with all that belongs to it, or nothing; a repeat is a success.

        Raises:
            TaskKeyTakenError: the owner's key was taken at the same moment.
        """
        own: list[TransactPart] = [
            Put(table=self._table.name, item=task_item(task), condition=NOT_EXISTS)
        ]
        if task.key is not None:
            pointer = keys.by_key(task.owner_id, task.key) | {"task": task.id}
            own.append(Put(table=self._table.name, item=pointer, condition=NOT_EXISTS))
        try:
            self._table.transact([*own, *parts])
        except ConditionFailedError as error:
            if self.find(task.owner_id, task.id) is None:
                raise TaskKeyTakenError from error
        except TransactionConflictError as error:
            raise TaskKeyTakenError from error

    def replace(self, task: Task, parts: Sequence[TransactPart]) -> None:
        """Store the next version of a task with all that belongs to it, or nothing.

        Raises:
            TaskChangedError: the stored version is not the one before.
        """
        condition = Condition(
            expression="#ver = :before",
            names={"#ver": "version"},
            values={":before": task.version - 1},
        )
        put = Put(table=self._table.name, item=task_item(task), condition=condition)
        try:
            self._table.transact([put, *parts])
        except ConditionFailedError as error:
            stored = task_of(error.item) if error.item else None
            if stored != task:
                raise TaskChangedError from error
        except TransactionConflictError as error:
            raise TaskChangedError from error

    def remove(self, task: Task, parts: Sequence[TransactPart]) -> None:
        """Delete a task with all that belongs to it; its runs are left to their retention.

        Raises:
            TaskChangedError: the stored version is another; what belongs to it may be, too.
        """
        condition = Condition(
            expression="#ver = :seen", names={"#ver": "version"}, values={":seen": task.version}
        )
        key = keys.task(task.owner_id, task.id)
        own: list[TransactPart] = [Delete(table=self._table.name, key=key, condition=condition)]
        if task.key is not None:
            own.append(Delete(table=self._table.name, key=keys.by_key(task.owner_id, task.key)))
        try:
            self._table.transact([*own, *parts])
        except ConditionFailedError as error:
            if error.item is not None:
                raise TaskChangedError from error
        except TransactionConflictError as error:
            raise TaskChangedError from error

    def clear(self, owner_id: UserId) -> None:
        """Remove whatever is left of an owner who is gone; running it again does the rest."""
        for item in self._table.query(keys.owner(owner_id), consistent=True):
            self._table.delete({"pk": item["pk"], "sk": item["sk"]})
