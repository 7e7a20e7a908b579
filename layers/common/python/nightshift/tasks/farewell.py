"""Letting go of a user: what the deletion of an account writes on behalf of tasks."""

from collections.abc import Callable, Mapping, Sequence

from nightshift.aws.dynamo import Update
from nightshift.core.access import UserId
from nightshift.core.environment import load
from nightshift.tasks import keys
from nightshift.tasks.settings import TasksTable


def retire_part(table: str, owner_id: str) -> Update:
    """Return the write after which no task of the owner is called any more."""
    return Update(
        table=table,
        key=keys.secret(owner_id),
        expression="SET gone = :yes",
        values={":yes": True},
    )


def build_farewell(environ: Mapping[str, str]) -> Callable[[UserId], Sequence[Update]]:
    """Return what gives the writes for one user.

    Raises:
        SettingsError: the table is not named.
    """
    table = load(TasksTable, environ).tasks_table
    return lambda user_id: [retire_part(table, user_id)]
