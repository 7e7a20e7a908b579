"""Flow-control keys in the tasks table: which an owner's tasks use, and what is pinned for them."""

import contextlib
from collections.abc import Iterable
from datetime import datetime

from nightshift.aws.dynamo import NOT_EXISTS, Condition, ConditionFailedError, Item, Table
from nightshift.core.access import UserId
from nightshift.core.clock import from_ms, to_ms
from nightshift.tasks import keys
from nightshift.tasks.errors import FlowKeyChangedError
from nightshift.tasks.items import SCHEMA_VERSION, limits_map, limits_of
from nightshift.tasks.model import FlowKey


class FlowStore:
    """The keys of each owner, in the owner's partition."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, owner_id: UserId, key: str) -> FlowKey | None:
        """Return one of the owner's keys, read consistently, or None."""
        item = self._table.get(keys.flow_key(owner_id, key), consistent=True)
        return _key_of(item) if item else None

    def find_many(self, wanted: Iterable[tuple[UserId, str]]) -> dict[tuple[UserId, str], FlowKey]:
        """Return those keys that exist, by owner and key; eventually consistent."""
        lookups = [keys.flow_key(owner_id, key) for owner_id, key in sorted(wanted)]
        found = map(_key_of, self._table.get_many(lookups))
        return {(known.owner_id, known.key): known for known in found}

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[list[FlowKey], str | None]:
        """Return the owner's keys in their order, and the one to go on after, None at the end."""
        items = self._table.query(
            keys.owner(owner_id),
            prefix=keys.FLOW,
            start_after=keys.FLOW + start_after if start_after is not None else None,
            limit=limit + 1,
            consistent=True,
        )
        found = [_key_of(item) for item in items]
        return found[:limit], found[limit - 1].key if len(found) > limit else None

    def note(self, owner_id: UserId, key: str, now: datetime) -> None:
        """Remember that a task uses the key, so that it is listed."""
        with contextlib.suppress(ConditionFailedError):
            known = FlowKey(owner_id=owner_id, key=key, updated_at=now)
            self._table.put(_item(known), NOT_EXISTS)

    def put(self, known: FlowKey, *, seen: FlowKey | None) -> None:
        """Store a key, provided that it still stands as `seen` (None: not at all).

        Raises:
            FlowKeyChangedError: it does not.
        """
        item = _item(known)
        try:
            self._table.put(item, _as_seen(seen))
        except ConditionFailedError as error:
            if error.item != {k: v for k, v in item.items() if v is not None}:
                raise FlowKeyChangedError from error

    def remove(self, seen: FlowKey) -> None:
        """Forget a key, provided that it still stands as `seen`; one that is gone is forgotten.

        Raises:
            FlowKeyChangedError: it does not.
        """
        try:
            self._table.delete(keys.flow_key(seen.owner_id, seen.key), _as_seen(seen))
        except ConditionFailedError as error:
            if error.item is not None:
                raise FlowKeyChangedError from error


def _as_seen(seen: FlowKey | None) -> Condition:
    if seen is None:
        return NOT_EXISTS
    return Condition(
        expression="#ver = :seen", names={"#ver": "version"}, values={":seen": seen.version}
    )


def _item(known: FlowKey) -> Item:
    return {
        **keys.flow_key(known.owner_id, known.key),
        "v": SCHEMA_VERSION,
        "pinned": limits_map(known.pinned) if known.pinned else None,
        "version": known.version,
        "updated": to_ms(known.updated_at),
    }


def _key_of(item: Item) -> FlowKey:
    pinned = item.get("pinned")
    return FlowKey(
        owner_id=UserId(item["pk"].removeprefix(keys.OWNER)),
        key=item["sk"].removeprefix(keys.FLOW),
        pinned=limits_of(pinned) if pinned else None,
        version=item["version"],
        updated_at=from_ms(item["updated"]),
    )
