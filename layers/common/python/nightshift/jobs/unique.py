"""Locks that make jobs unique by key: who holds one, and whether it still counts.

A lock is free as soon as its holder's record says that the job has ended: nobody writes a release,
so none can be lost, and neither a late nor an early TTL deletion can let two jobs in. The lock's
own expiry is judged in the condition; it only serves where the holder's rows are gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from nightshift.aws.dynamo import NOT_EXISTS, Condition, Put, Table
from nightshift.jobs import keys
from nightshift.jobs.codec import ref_from_dict, ref_to_dict
from nightshift.jobs.kinds import UniqueMode
from nightshift.jobs.model import JobRef, Order


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A lock: the job that holds it, since when, until when at most, and the write's token."""

    ref: JobRef
    token: str
    since_ms: int
    expires_at: int


class Verdict(StrEnum):
    """What a lock means for who comes now."""

    FREE = "free"
    HELD = "held"
    REPLACE = "replace"


def judge(
    lock: Lock,
    *,
    mode: UniqueMode,
    period_s: float,
    has_begun: bool,
    has_ended: bool,
    asked_ms: int,
    now_ms: int,
) -> Verdict:
    """Return what the lock means for who asked at `asked_ms`, given how its holder stands."""
    if lock.expires_at * 1000 <= now_ms:
        return Verdict.FREE
    if mode is UniqueMode.THROTTLE and asked_ms < lock.since_ms + period_s * 1000:
        return Verdict.HELD
    if has_ended:
        return Verdict.FREE
    if mode is UniqueMode.REPLACE:
        return Verdict.FREE if has_begun else Verdict.REPLACE
    return Verdict.HELD


class Locks:
    """The locks, in the jobs table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, order: Order) -> "Lock | None":
        """Return the lock of an order's key, read consistently, or None."""
        item = self._table.get(_key(order), consistent=True)
        if item is None:
            return None
        return Lock(
            ref=ref_from_dict(item["r"]),
            token=item["tok"],
            since_ms=item["at"],
            expires_at=item["expires_at"],
        )

    def take_part(
        self, order: Order, seen: Lock | None, token: str, expiry: Callable[[JobRef], int]
    ) -> Put:
        """Return the write that takes the lock, provided that it is still as `seen`."""
        item = _key(order) | {
            "r": ref_to_dict(order.ref),
            "tok": token,
            # An older job may be tried again within the period of a newer one.
            "at": max(order.created_ms, seen.since_ms if seen else 0),
            "expires_at": expiry(order.ref),
        }
        condition = NOT_EXISTS
        if seen is not None:
            condition = Condition(expression="tok = :seen", values={":seen": seen.token})
        return Put(table=self._table.name, item=item, condition=condition)


def _key(order: Order) -> dict[str, object]:
    return keys.unique(order.ref.kind, order.unique_key or "")
