"""The suppression list: addresses that bounced or complained, which are not written to again."""

from collections.abc import Sequence
from datetime import datetime

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
)
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.email import keys
from nightshift.email.errors import SuppressionNotFoundError
from nightshift.email.model import Address, Suppression, SuppressionReason

MAX_DETAIL_CHARS = 300


class Suppressions:
    """Who is not written to. Looked at before every mail, so each look is one read by key."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def add(
        self, address: Address, reason: SuppressionReason, detail: str = ""
    ) -> tuple[Suppression, bool]:
        """Put an address on the list; return how it stands there, and whether it is new.

        An address that is there already stays as it is: the first reason counts.
        """
        suppression = Suppression(
            id=keys.address_id(address.normal),
            email=address.spec,
            reason=reason,
            detail=detail[:MAX_DETAIL_CHARS],
            since=from_ms(to_ms(self._clock.now())),
        )
        try:
            self._table.transact(self._parts(suppression))
        except ConditionFailedError as refused:
            return (_suppression(refused.item) if refused.item else suppression), False
        return suppression, True

    def _parts(self, suppression: Suppression) -> Sequence[Put]:
        item = _item(suppression)
        since_ms = to_ms(suppression.since)
        return [
            Put(
                table=self._table.name,
                item=keys.suppressed(suppression.id) | item,
                condition=NOT_EXISTS,
            ),
            Put(
                table=self._table.name,
                item=keys.suppression_place(since_ms, suppression.id) | item,
            ),
        ]

    def find(self, address: Address) -> Suppression | None:
        """Return why an address is not written to, read consistently, or None."""
        return self.find_by_id(keys.address_id(address.normal))

    def find_by_id(self, identifier: str) -> Suppression | None:
        """Return an entry by the id that names its address, or None."""
        item = self._table.get(keys.suppressed(identifier), consistent=True)
        return _suppression(item) if item else None

    def page(
        self, *, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[list[Suppression], tuple[datetime, str] | None]:
        """Return a page of the list, newest first, and where the next one begins, or None."""
        start = keys.suppression_place(to_ms(after[0]), after[1])["sk"] if after else None
        items = list(
            self._table.query(
                keys.SUPPRESSIONS, start_after=start, descending=True, limit=limit + 1
            )
        )
        found = [_suppression(item) for item in items[:limit]]
        more = len(items) > limit
        return found, (found[-1].since, found[-1].id) if more else None

    def remove(self, identifier: str) -> None:
        """Let an address be written to again.

        Raises:
            SuppressionNotFoundError: it is not on the list.
        """
        found = self.find_by_id(identifier)
        if found is None:
            raise SuppressionNotFoundError
        place = keys.suppression_place(to_ms(found.since), identifier)
        self._table.transact(
            [
                Delete(table=self._table.name, key=keys.suppressed(identifier)),
                Delete(table=self._table.name, key=place),
            ]
        )


def _item(suppression: Suppression) -> Item:
    return {
        "id": suppression.id,
        "email": suppression.email,
        "reason": suppression.reason.value,
        "detail": suppression.detail,
        "since_ms": to_ms(suppression.since),
    }


def _suppression(item: Item) -> Suppression:
    return Suppression(
        id=item["id"],
        email=item["email"],
        reason=SuppressionReason(item["reason"]),
        detail=item["detail"],
        since=from_ms(item["since_ms"]),
    )
