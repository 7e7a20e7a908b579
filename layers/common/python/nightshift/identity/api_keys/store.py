"""API keys in the identity table. `also` are writes of others in the same transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from nightshift.aws.dynamo import (
    EXISTS,
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Put,
    Table,
    TransactPart,
    Update,
)
from nightshift.core.access import ApiKeyId, UserId
from nightshift.core.clock import to_epoch_s, to_ms
from nightshift.identity import keys
from nightshift.identity.api_keys.errors import ApiKeyLimitError
from nightshift.identity.api_keys.items import KEEP_REVOKED, from_key, from_secret, to_key
from nightshift.identity.api_keys.model import ApiKey

LAST_USE_EVERY = timedelta(hours=1)
_RECORD, _KEYRING = 0, 2


class ApiKeyStore:
    """The keys of all users."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, key: ApiKey, *, limit: int, also: Sequence[TransactPart]) -> ApiKey | None:
        """Store a new key; return None, or the key that stands under this id already.

        Raises:
            ApiKeyLimitError: its owner has `limit` keys that are not revoked.
        """
        name = self._table.name
        room = Condition(
            expression="attribute_not_exists(#count) OR #count < :limit",
            names={"#count": "count"},
            values={":limit": limit},
        )
        try:
            self._table.transact(
                [
                    Put(table=name, item=from_key(key), condition=NOT_EXISTS),
                    Put(table=name, item=from_secret(key), condition=NOT_EXISTS),
                    self._count(key.owner_id, 1, room),
                    *also,
                ]
            )
        except ConditionFailedError as refused:
            if refused.index == _RECORD and refused.item is not None:
                return to_key(refused.item)
            if refused.index == _KEYRING:
                raise ApiKeyLimitError from refused
            raise
        return None

    def find(self, owner_id: UserId, key_id: ApiKeyId) -> ApiKey | None:
        """Return the owner's key, revoked ones too, or None."""
        item = self._table.get(keys.api_key(owner_id, key_id), consistent=True)
        return None if item is None else to_key(item)

    def all(self, owner_id: UserId, *, after: ApiKeyId | None = None) -> Iterator[ApiKey]:
        """Yield the owner's keys, newest first, revoked ones too; those after `after` if given."""
        edge = None if after is None else keys.API_KEY_PREFIX + after
        found = self._table.query(
            keys.user_pk(owner_id),
            prefix=keys.API_KEY_PREFIX,
            start_after=edge,
            descending=True,
            consistent=True,
        )
        return map(to_key, found)

    def change(self, before: ApiKey, after: ApiKey, *, also: Sequence[TransactPart]) -> bool:
        """Write `after` if the key has not changed since `before`; tell whether it was so.

        Its last use is left as it stands. A secret that is new is made known, and one that is
        no longer kept is forgotten when nobody needs to be told of it.
        """
        try:
            self._table.transact(
                [self._update(before, after), *self._secrets(before, after), *also]
            )
        except ConditionFailedError as refused:
            if refused.index != _RECORD:
                raise
            return False
        return True

    def revoke(self, before: ApiKey, after: ApiKey, *, also: Sequence[TransactPart]) -> bool:
        """Write that the key is revoked, if it has not changed since `before`, and count it out."""
        parts = [
            self._update(before, after),
            self._count(before.owner_id, -1, EXISTS),
            *(self._fade(h, after.updated_at) for h in _hashes(before)),
        ]
        try:
            self._table.transact([*parts, *also])
        except ConditionFailedError as refused:
            if refused.index != _RECORD:
                raise
            return False
        return True

    def touch(self, key: ApiKey, now: datetime) -> None:
        """Write down that the key was used, once an hour at most."""
        update = Update(
            table=self._table.name,
            key=keys.api_key(key.owner_id, key.key_id),
            expression="SET last_used_ms = :now",
            condition=Condition(
                expression="attribute_exists(pk) AND "
                "(attribute_not_exists(last_used_ms) OR last_used_ms <= :before)",
            ),
            values={":now": to_ms(now), ":before": to_ms(now - LAST_USE_EVERY)},
        )
        try:
            self._table.write(update)
        except ConditionFailedError:
            return  # another process wrote it, or the key is gone

    def forget_all(self, owner_id: UserId) -> None:
        """Remove every trace of the keys of a user who is gone; running it again does the rest."""
        for key in list(self.all(owner_id)):
            for secret_hash in _hashes(key):
                self._table.delete(keys.api_key_secret(secret_hash))
            self._table.delete(keys.api_key(owner_id, key.key_id))
        self._table.delete(keys.keyring(owner_id))

    def _update(self, before: ApiKey, after: ApiKey) -> Update:
        """Return the write of everything but the key's id, its owner and its last use."""
        item = from_key(after)
        fixed = {"pk", "sk", "last_used_ms"}
        sets = {f"f{n}": name for n, name in enumerate(sorted(item.keys() - fixed))}
        kept = {ref: name for ref, name in sets.items() if item[name] is not None}
        gone = [f"#{ref}" for ref in sets if ref not in kept]
        expression = "SET " + ", ".join(f"#{ref} = :{ref}" for ref in kept)
        if gone:
            expression += " REMOVE " + ", ".join(gone)
        return Update(
            table=self._table.name,
            key=keys.api_key(after.owner_id, after.key_id),
            expression=expression,
            condition=Condition(
                expression="#version = :seen",
                names={"#version": "version"},
                values={":seen": before.version},
            ),
            names={f"#{ref}": name for ref, name in sets.items()},
            values={f":{ref}": item[name] for ref, name in kept.items()},
        )

    def _secrets(self, before: ApiKey, after: ApiKey) -> list[TransactPart]:
        if before.secret_hash == after.secret_hash:
            return []
        put = Put(table=self._table.name, item=from_secret(after), condition=NOT_EXISTS)
        ends = after.old_until or after.updated_at
        return [put, *(self._fade(h, ends) for h in _hashes(before))]

    def _fade(self, secret_hash: str, ended_at: datetime) -> Update:
        """Return the write by which a secret is forgotten a while after it ended."""
        return Update(
            table=self._table.name,
            key=keys.api_key_secret(secret_hash),
            expression="SET expires_at = :at",
            condition=None,
            values={":at": to_epoch_s(ended_at + KEEP_REVOKED)},
        )

    def _count(self, owner_id: UserId, change: int, condition: Condition | None) -> Update:
        return Update(
            table=self._table.name,
            key=keys.keyring(owner_id),
            expression="ADD #count :change",
            condition=condition,
            names={"#count": "count"},
            values={":change": change},
        )


def _hashes(key: ApiKey) -> list[str]:
    """Return the hashes of the secrets that the record knows."""
    return [h for h in (key.secret_hash, key.old_hash) if h is not None]
