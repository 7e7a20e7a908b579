"""Whose a provider's subject is, in the identity table.

A pointer from issuer and subject to the user makes each the way in to one account at most; the
user's own partition says the same, for the day on which the account is deleted.
"""

from nightshift.aws.dynamo import Condition, Put, Table, TransactPart
from nightshift.core.access import UserId
from nightshift.core.clock import to_ms
from nightshift.identity import keys
from nightshift.identity.model import User
from nightshift.identity.oidc.model import Identity

SCHEMA_VERSION = 1


class FederatedStore:
    """Finds users by their identities elsewhere."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_user_id(self, identity: Identity) -> UserId | None:
        """Return whose it is, or None; that user may be gone."""
        item = self._table.get(_key(identity), consistent=True)
        return None if item is None else UserId(item["user_id"])

    def link_parts(
        self, identity: Identity, user: User, *, provider_id: str, gone: UserId | None
    ) -> list[TransactPart]:
        """Return the writes that make an identity the user's, if it is nobody's.

        `gone` is a deleted user whose it still is by the table.
        """
        pointer = _key(identity)
        free = Condition(
            expression="attribute_not_exists(pk) OR user_id IN (:me, :gone)",
            values={":me": user.user_id, ":gone": gone or user.user_id},
        )
        own = keys.federated_of(user.user_id, pointer) | {
            "v": SCHEMA_VERSION,
            "provider": provider_id,
            "issuer": identity.issuer,
            "linked_ms": to_ms(user.updated_at),
        }
        return [
            Put(table=self._table.name, item=pointer | {"user_id": user.user_id}, condition=free),
            Put(table=self._table.name, item=own),
        ]


def _key(identity: Identity) -> keys.Key:
    return keys.federated(identity.issuer, identity.subject)
