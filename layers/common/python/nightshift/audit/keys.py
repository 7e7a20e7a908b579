"""Every key of the audit table.

An event stands in several partitions, one for each way to ask: the people it concerns, its action,
and its day. Each is read by time, so the sort key begins with it.
"""

import zlib
from datetime import datetime

from nightshift.core.clock import from_ms, to_ms

CALENDAR_PK = "DAYS"
SHARDS = 4
"""Partitions of one day: so many times 1000 writes a second can be kept."""
_MS_DIGITS = 15


def person_pk(user_id: str) -> str:
    """Return the partition of the events that concern a user."""
    return f"USER#{user_id}"


def action_pk(action: str) -> str:
    """Return the partition of the events of one action."""
    return f"ACTION#{action}"


def day_pk(slot: str) -> str:
    """Return the partition of a slot, which is one shard of one day."""
    return f"DAY#{slot}"


def slot(at: datetime, event_id: str) -> str:
    """Return the slot of an event: its day in UTC and its shard."""
    return f"{day(at)}#{zlib.crc32(event_id.encode()) % SHARDS}"


def day(at: datetime) -> str:
    """Return the day, as slots begin with it; days sort by time."""
    return f"{at:%Y-%m-%d}"


def position(at: datetime, event_id: str) -> str:
    """Return the sort key of an event; sort keys sort by time."""
    return f"{to_ms(at):0{_MS_DIGITS}d}#{event_id}"


def span(since: datetime, until: datetime) -> tuple[str, str]:
    """Return the sort keys between which the events from `since` to `until` stand."""
    return position(since, ""), f"{to_ms(until):0{_MS_DIGITS}d}#~"


def day_of(sort_key: str) -> str:
    """Return the day of an event by its sort key."""
    return day(from_ms(int(sort_key[:_MS_DIGITS])))
