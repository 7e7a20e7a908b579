"""Settings in their table: what differs from the defaults, and a version."""

from collections.abc import Sequence

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
    TransactPart,
)
from nightshift.core.access import UserId
from nightshift.settings import keys
from nightshift.settings.model import NOTHING_SET, Stored

SCHEMA = 1


class SettingsStore:
    """Reads and writes the settings of the server (`who` None) and of users."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, who: UserId | None) -> Stored:
        """Return what was set, read consistently."""
        item = self._table.get(_key(who), consistent=True)
        return NOTHING_SET if item is None else _stored(item)

    def change(
        self,
        who: UserId | None,
        before: Stored,
        after: Stored,
        *,
        also: Sequence[TransactPart] = (),
    ) -> bool:
        """Write `after` if nothing changed since `before`; tell whether it was so."""
        unchanged = NOT_EXISTS
        if before.version:
            unchanged = Condition(
                expression="#version = :seen",
                names={"#version": "version"},
                values={":seen": before.version},
            )
        item = _key(who) | {
            "schema": SCHEMA,
            "set": dict(after.values),
            "version": after.version,
        }
        put = Put(table=self._table.name, item=item, condition=unchanged)
        try:
            if also:
                self._table.transact([put, *also])
            else:
                self._table.write(put)
        except ConditionFailedError as refused:
            if refused.index:
                raise
            return refused.item is not None and _stored(refused.item) == after
        return True

    def farewell(self, user_id: UserId) -> list[Delete]:
        """Return the writes by which the settings go with their user."""
        return [Delete(table=self._table.name, key=keys.user(user_id))]


def _key(who: UserId | None) -> keys.Key:
    return keys.server() if who is None else keys.user(who)


def _stored(item: Item) -> Stored:
    return Stored(values=item["set"], version=item["version"])
