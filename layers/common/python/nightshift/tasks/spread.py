"""Spread (jitter): how long after its slot a task starts, so that tasks of one slot do not at once.

The offset belongs to the task: it is drawn evenly from the window by a hash of the task's id, and
is the same at every slot. So a task keeps the distance between its starts, its slots never change
places, and overlap is judged as if there were no window (docs/decisions.md).
"""

import hashlib
from datetime import datetime, timedelta

from nightshift.jobs.model import JobRef, Message

MAX_SPREAD_S = 3_600
_MARK = "+"
_HASH_BITS = 64


def offset_s(task_id: str, spread_s: int) -> int:
    """Return the seconds, from 0 to `spread_s`, by which the task starts after its slots.

    They are the same share of any window, so that a smaller one makes no start later.
    """
    if spread_s == 0:
        return 0
    digest = hashlib.sha256(f"spread\x1f{task_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * (spread_s + 1) >> _HASH_BITS


def lane_of(offset: timedelta) -> str:
    """Return how a slot's run says by how much it starts after its slot."""
    seconds = offset // timedelta(seconds=1)
    return f"{_MARK}{seconds}" if seconds else ""


def start_of(ref: JobRef) -> datetime:
    """Return when a run is to start: its slot, and the offset of its task at that time."""
    if not ref.lane.startswith(_MARK):
        return ref.due_at
    return ref.due_at + timedelta(seconds=int(ref.lane.removeprefix(_MARK)))


def first_message(ref: JobRef) -> Message:
    """Return the message for the first attempt of a slot's run."""
    late_ms = (start_of(ref) - ref.due_at) // timedelta(milliseconds=1)
    return Message(ref=ref, attempt=1, not_before_ms=ref.due_ms + late_ms)
