"""What identity still keeps of a user who is gone."""

import contextlib

from nightshift.aws.dynamo import Condition, ConditionFailedError, Delete, Table
from nightshift.core.access import UserId
from nightshift.identity import keys
from nightshift.identity.api_keys.store import ApiKeyStore


class LeavingStore:
    """Removes the items of users; never one of a user who is there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def is_there(self, user_id: UserId) -> bool:
        """Tell whether there is such a user."""
        return self._table.get(keys.user(user_id), consistent=True) is not None

    def remove_all(self, user_id: UserId) -> None:
        """Remove keys, sessions, links, devices and preferences; running it again does the rest."""
        ApiKeyStore(self._table).forget_all(user_id)
        for item in self._table.query(keys.user_pk(user_id), consistent=True):
            if item["sk"].startswith(keys.FEDERATED_PREFIX):
                self._free(user_id, item["sk"])
            self._table.delete({"pk": item["pk"], "sk": item["sk"]})

    def _free(self, user_id: UserId, federated: str) -> None:
        """Free a provider's subject, unless somebody else came in by it meanwhile."""
        own = Condition(
            expression="attribute_not_exists(pk) OR user_id = :me", values={":me": user_id}
        )
        key = {"pk": federated, "sk": "-"}
        with contextlib.suppress(ConditionFailedError):
            self._table.write(Delete(table=self._table.name, key=key, condition=own))
