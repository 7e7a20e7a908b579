"""Seats, records and attempts as items of the jobs table, and back.

Attribute names are short on purpose: an item under one kilobyte costs one write unit.
"""

import json
from typing import Any

from nightshift.aws.dynamo import Item
from nightshift.jobs import keys
from nightshift.jobs.codec import ref_from_dict, ref_to_dict
from nightshift.jobs.model import (
    Attempt,
    AttemptStatus,
    JobProgress,
    JobStatus,
    OutputRef,
    Record,
    Seat,
    Token,
)

SCHEMA_VERSION = 1


def seat_item(seat: Seat, *, sk: str, expires_at: int) -> Item:
    """Return the item of a seat."""
    return {
        "pk": keys.subject(seat.ref.kind, seat.ref.subject),
        "sk": sk,
        "v": SCHEMA_VERSION,
        "r": ref_to_dict(seat.ref),
        "a": seat.attempt,
        "tok": seat.token,
        "until": seat.lease_ms,
        "at": seat.started_ms,
        "pr": progress_map(seat.progress),
        "w": seat.waits,
        "expires_at": expires_at,
    }


def seat_of(item: Item) -> Seat:
    """Return the seat in an item."""
    return Seat(
        ref=ref_from_dict(item["r"]),
        attempt=item["a"],
        token=Token(item["tok"]),
        lease_ms=item["until"],
        started_ms=item["at"],
        progress=progress_of(item.get("pr")),
        waits=item.get("w"),
    )


def record_item(record: Record, *, expires_at: int) -> Item:
    """Return the item of a record; `expires_at` is in seconds since the epoch."""
    return {
        "pk": keys.subject(record.ref.kind, record.ref.subject),
        "sk": keys.record(record.ref.job_id),
        "v": SCHEMA_VERSION,
        "r": ref_to_dict(record.ref),
        "st": record.status.value,
        "n": record.closed,
        "b": record.base or None,
        "tok": record.token,
        "at": record.created_ms,
        "next": record.next_ms,
        "end": record.ended_ms,
        "why": record.reason,
        "last": attempt_map(record.last) if record.last else None,
        "pr": progress_map(record.progress),
        "res": None if record.result is None else json.dumps(record.result),
        "out": output_map(record.output),
        "expires_at": expires_at,
    }


def record_of(item: Item) -> Record:
    """Return the record in an item."""
    last = item.get("last")
    return Record(
        ref=ref_from_dict(item["r"]),
        status=JobStatus(item["st"]),
        closed=item["n"],
        base=item.get("b", 0),
        token=Token(item["tok"]),
        created_ms=item["at"],
        next_ms=item.get("next"),
        ended_ms=item.get("end"),
        reason=item.get("why"),
        last=attempt_of(last) if last else None,
        progress=progress_of(item.get("pr")),
        result=json.loads(item["res"]) if "res" in item else None,
        output=output_of(item.get("out")),
    )


def progress_map(progress: JobProgress | None) -> dict[str, Any] | None:
    """Return a progress with short names, None for none."""
    if progress is None:
        return None
    full = {"d": progress.done, "t": progress.total, "n": progress.note or None}
    return {k: v for k, v in full.items() if v is not None}


def progress_of(data: dict[str, Any] | None) -> JobProgress | None:
    """Return the progress in what `progress_map` made."""
    if data is None:
        return None
    return JobProgress(done=data["d"], total=data.get("t"), note=data.get("n", ""))


def output_map(output: OutputRef | None) -> dict[str, Any] | None:
    """Return an output with short names, None for none."""
    if output is None:
        return None
    return {"k": output.key, "t": output.content_type, "f": output.filename, "n": output.size}


def output_of(data: dict[str, Any] | None) -> OutputRef | None:
    """Return the output in what `output_map` made."""
    if data is None:
        return None
    return OutputRef(key=data["k"], content_type=data["t"], filename=data["f"], size=data["n"])


def attempt_map(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt with short names; what is empty is left out."""
    full = {
        "a": attempt.number,
        "st": attempt.status.value,
        "at": attempt.started_ms,
        "ms": attempt.execution_ms,
        "rs": attempt.response_status,
        "msg": attempt.message or None,
        "err": attempt.error,
    }
    return {k: v for k, v in full.items() if v is not None}


def attempt_of(data: dict[str, Any]) -> Attempt:
    """Return the attempt in what `attempt_map` made."""
    return Attempt(
        number=data["a"],
        status=AttemptStatus(data["st"]),
        started_ms=data["at"],
        execution_ms=data.get("ms"),
        response_status=data.get("rs"),
        message=data.get("msg", ""),
        error=data.get("err"),
    )


def log_item(record: Record, attempt: Attempt, *, expires_at: int) -> Item:
    """Return the item of an attempt that another followed."""
    return {
        "pk": keys.subject(record.ref.kind, record.ref.subject),
        "sk": keys.log(record.ref.job_id, attempt.number),
        "v": SCHEMA_VERSION,
        **attempt_map(attempt),
        "expires_at": expires_at,
    }
