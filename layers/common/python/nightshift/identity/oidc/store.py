"""Whose a provider's subject is, and which flows were finished, in the identity table.

A pointer from issuer and subject to the user makes each the way in to one account at most; the
user's own partition says the same, for lists and for the day on which the account is deleted.
"""

from datetime import timedelta

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
from nightshift.core.clock import from_ms, to_epoch_s, to_ms
from nightshift.core.tokens import SECRET_BYTES, RandomBytes
from nightshift.identity import keys
from nightshift.identity.model import User
from nightshift.identity.oidc.model import Flow, Holder, Identity, Linked

SCHEMA_VERSION = 1
KEEP_SPENT = timedelta(hours=1)
"""How long a finished flow is remembered beyond its end, from when on its cookie says no itself."""


class StateStore:
    """Takes each flow once; what DynamoDB has removed by its TTL is long over by the cookie."""

    def __init__(self, table: Table, random: RandomBytes) -> None:
        self._table = table
        self._random = random

    def spend(self, flow: Flow) -> bool:
        """Note that the flow is being finished; tell whether it is the first time."""
        me = self._random(SECRET_BYTES).hex()
        item = keys.spent_state(flow.state) | {
            "spent_by": me,
            "expires_at": to_epoch_s(flow.ends_at + KEEP_SPENT),
        }
        try:
            self._table.put(item, NOT_EXISTS)
        except ConditionFailedError as refused:
            return (refused.item or {}).get("spent_by") == me
        return True


class FederatedStore:
    """Finds users by their identities elsewhere."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_holder(self, identity: Identity) -> Holder | None:
        """Return whose it is, or None; that user may be gone."""
        item = self._table.get(_key(identity), consistent=True)
        return (
            None if item is None else Holder(user_id=UserId(item["user_id"]), epoch=item["epoch"])
        )

    def linked(self, user_id: UserId) -> list[Linked]:
        """Return the user's identities, in no order that means anything."""
        pk = keys.user_pk(user_id)
        found = self._table.query(pk, prefix=keys.FEDERATED_PREFIX, consistent=True)
        return [_to_linked(item) for item in found]

    def link_parts(
        self, identity: Identity, user: User, *, provider_id: str, former: UserId | None
    ) -> list[TransactPart]:
        """Return the writes that make an identity the user's, if it is nobody's.

        `former` is whose it still is by the table, though not any more: a user who is gone, say.
        """
        pointer = _key(identity)
        free = Condition(
            expression="attribute_not_exists(pk) OR user_id IN (:me, :former)",
            values={":me": user.user_id, ":former": former or user.user_id},
        )
        own = keys.federated_of(user.user_id, pointer) | {
            "v": SCHEMA_VERSION,
            "provider": provider_id,
            "issuer": identity.issuer,
            "email": identity.email or None,
            "epoch": user.epoch,
            "linked_ms": to_ms(user.updated_at),
        }
        mine = pointer | {"user_id": user.user_id, "epoch": user.epoch}
        return [
            Put(table=self._table.name, item=mine, condition=free),
            Put(table=self._table.name, item=own),
        ]

    def unlink_parts(self, user_id: UserId, linked: Linked) -> list[TransactPart]:
        """Return the writes by which an identity is the user's no more."""
        pk = keys.FEDERATED_PREFIX + linked.link_id
        own = Condition(
            expression="attribute_not_exists(pk) OR user_id = :me", values={":me": user_id}
        )
        return [
            Delete(table=self._table.name, key={"pk": pk, "sk": "-"}, condition=own),
            Delete(table=self._table.name, key={"pk": keys.user_pk(user_id), "sk": pk}),
        ]


def _key(identity: Identity) -> keys.Key:
    return keys.federated(identity.issuer, identity.subject)


def _to_linked(item: Item) -> Linked:
    return Linked(
        link_id=item["sk"].removeprefix(keys.FEDERATED_PREFIX),
        provider_id=item["provider"],
        issuer=item["issuer"],
        email=item.get("email", ""),
        epoch=item["epoch"],
        linked_at=from_ms(item["linked_ms"]),
    )
