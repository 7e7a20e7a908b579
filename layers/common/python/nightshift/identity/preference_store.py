"""Users' preferences in the identity table."""

from nightshift.aws.dynamo import NOT_EXISTS, Condition, ConditionFailedError, Table
from nightshift.core.access import UserId
from nightshift.identity import keys
from nightshift.identity.items import from_preferences, to_preferences
from nightshift.identity.model import Preferences


class PreferenceStore:
    """One item a user."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, user_id: UserId) -> Preferences | None:
        """Return what the user said, read consistently, or None."""
        item = self._table.get(keys.preferences(user_id), consistent=True)
        return None if item is None else to_preferences(item)

    def put(self, before: Preferences, after: Preferences) -> bool:
        """Write `after` if nothing changed since `before`; tell whether it was so."""
        unchanged = NOT_EXISTS
        if before.version:
            unchanged = Condition(
                expression="#version = :seen",
                names={"#version": "version"},
                values={":seen": before.version},
            )
        try:
            self._table.put(from_preferences(after), unchanged)
        except ConditionFailedError as refused:
            return refused.item is not None and to_preferences(refused.item) == after
        return True
