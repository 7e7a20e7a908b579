"""Orders: what was enqueued, by owner. Written once; how the job stands is in its record.

Runs of schedules have none: their task says all that an order would.
"""

import json
from collections.abc import Sequence
from typing import Any

from nightshift.aws.dynamo import EXISTS, NOT_EXISTS, Item, Put, Table, Update
from nightshift.core.clock import Clock, to_epoch_s
from nightshift.core.errors import PayloadTooLargeError
from nightshift.jobs import keys
from nightshift.jobs.codec import ref_from_dict, ref_to_dict
from nightshift.jobs.model import JobRef, Order
from nightshift.jobs.retention import payload_key
from nightshift.ports.blobs import Blobs

SCHEMA_VERSION = 1
INLINE_BYTES = 4_096
"""The largest payload kept in the table; a write there costs by the kilobyte."""
MAX_BYTES = 5 * 1_048_576
JSON_TYPE = "application/json"


class OrderStore:
    """The orders, in the jobs table, their large payloads in the bucket."""

    def __init__(self, table: Table, blobs: Blobs, clock: Clock, *, retention_s: int) -> None:
        self._table = table
        self._blobs = blobs
        self._clock = clock
        self._retention_s = retention_s

    def put_part(self, order: Order) -> Put:
        """Return the write that keeps a new order; a large payload lies in the bucket by then.

        Raises:
            PayloadTooLargeError: the payload is over `MAX_BYTES`.
        """
        data = (order.payload or "").encode()
        if len(data) > MAX_BYTES:
            raise PayloadTooLargeError(f"A job's payload may have at most {MAX_BYTES} bytes.")
        blob = None
        if len(data) > INLINE_BYTES:
            needed_s = self.expiry(order.ref) - to_epoch_s(self._clock.now())
            blob = payload_key(order.ref.job_id, needed_s=needed_s)
            self._blobs.put(blob, data, content_type=JSON_TYPE)
        item = {
            **_key(order.ref.owner_id, order.ref.job_id),
            "v": SCHEMA_VERSION,
            "r": ref_to_dict(order.ref),
            "at": order.created_ms,
            "p": None if blob else order.payload,
            "blob": blob,
            "u": order.unique_key,
            "expires_at": self.expiry(order.ref),
        }
        return Put(table=self._table.name, item=item, condition=NOT_EXISTS)

    def expiry(self, ref: JobRef) -> int:
        """Return when what is kept for the job may be deleted, in seconds since the epoch."""
        return max(to_epoch_s(self._clock.now()), ref.due_ms // 1000) + self._retention_s

    def keep_part(self, ref: JobRef) -> Update:
        """Return the write that keeps an order for as long as if its job were enqueued now."""
        return Update(
            table=self._table.name,
            key=_key(ref.owner_id, ref.job_id),
            expression="SET expires_at = :until",
            condition=EXISTS,
            values={":until": self.expiry(ref)},
        )

    def find(self, owner_id: str, job_id: str) -> Order | None:
        """Return an order, read consistently, or None."""
        item = self._table.get(_key(owner_id, job_id), consistent=True)
        return _order_of(item) if item else None

    def find_many(self, refs: Sequence[JobRef]) -> dict[str, Order]:
        """Return the orders of these jobs that exist, by job id, read consistently."""
        wanted = [_key(ref.owner_id, ref.job_id) for ref in refs]
        orders = map(_order_of, self._table.get_many(wanted, consistent=True))
        return {order.ref.job_id: order for order in orders}

    def page(self, owner_id: str, *, start_after: str | None, limit: int) -> list[Order]:
        """Return an owner's orders, newest first."""
        items = self._table.query(
            keys.orders(owner_id), start_after=start_after, descending=True, limit=limit
        )
        return [_order_of(item) for item in items]

    def payload(self, order: Order) -> Any:  # noqa: ANN401 - the kind knows its payload's type
        """Return an order's payload as plain JSON values, from the bucket if it lies there.

        Raises:
            BlobNotFoundError: the bucket has lost it.
        """
        if order.blob is not None:
            return json.loads(self._blobs.get(order.blob))
        return json.loads(order.payload or "null")


def _key(owner_id: str, job_id: str) -> Item:
    return {"pk": keys.orders(owner_id), "sk": job_id}


def _order_of(item: Item) -> Order:
    return Order(
        ref=ref_from_dict(item["r"]),
        created_ms=item["at"],
        payload=item.get("p"),
        blob=item.get("blob"),
        unique_key=item.get("u"),
    )
