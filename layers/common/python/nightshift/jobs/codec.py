"""Messages as text: compact JSON, so that ten fit well into one 64 KB request."""

import json
from typing import Any

from nightshift.jobs.errors import UnreadableMessageError
from nightshift.jobs.model import JobId, JobRef, Message, Overlap, QueueName, Trigger


def ref_to_dict(ref: JobRef) -> dict[str, Any]:
    """Return the reference with the short names that messages and items use."""
    data = {
        "k": ref.kind,
        "s": ref.subject,
        "j": ref.job_id,
        "o": ref.owner_id,
        "d": ref.due_ms,
        "e": ref.epoch,
        "t": ref.trigger.value,
        "w": ref.overlap.value,
    }
    if ref.queue is not QueueName.CRITICAL:
        data["q"] = ref.queue.value
    if ref.lane:
        data["l"] = ref.lane
    return data


def ref_from_dict(data: dict[str, Any]) -> JobRef:
    """Return the reference that `ref_to_dict` wrote."""
    return JobRef(
        kind=str(data["k"]),
        subject=str(data["s"]),
        job_id=JobId(str(data["j"])),
        owner_id=str(data["o"]),
        due_ms=int(data["d"]),
        epoch=int(data["e"]),
        trigger=Trigger(data["t"]),
        overlap=Overlap(data.get("w", Overlap.ALLOW)),
        queue=QueueName(data.get("q", QueueName.CRITICAL)),
        lane=str(data.get("l", "")),
    )


def encode(message: Message) -> str:
    """Return the message's body."""
    data = ref_to_dict(message.ref) | {"a": message.attempt, "n": message.not_before_ms}
    if message.pass_ms:
        data["p"] = message.pass_ms
    if message.gate:
        data["g"] = message.gate
    return json.dumps(data, separators=(",", ":"))


def decode(body: str) -> Message:
    """Return the message in `body`.

    Raises:
        UnreadableMessageError: the body is none that `encode` wrote.
    """
    try:
        data = json.loads(body)
        return Message(
            ref=ref_from_dict(data),
            attempt=int(data["a"]),
            not_before_ms=int(data["n"]),
            pass_ms=int(data.get("p", 0)),
            gate=str(data.get("g", "")),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UnreadableMessageError(str(error)) from error
