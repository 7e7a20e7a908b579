"""Parts of SQS requests and answers: entries, messages and their limits."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.support.sqs.errors import RefusedError, bad_value
from tests.support.sqs.mapping import md5
from tests.support.sqs.queue import Message, Queue

MAX_BYTES = 1 << 20
MAX_DELAY_S = 900
MAX_ENTRIES = 10
MAX_ENTRY_ID = 80
_ENTRY_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ENTRY_ID}}}")
_BAD_TEXT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Part = Mapping[str, Any]


def payload_size(part: Part) -> int:
    """Return the bytes of a message's body and attributes (names, types and values)."""
    size = len(part["MessageBody"].encode())
    for name, value in part.get("MessageAttributes", {}).items():
        raw = value.get("BinaryValue", b"") or value.get("StringValue", "").encode()
        size += len(name.encode()) + len(value["DataType"].encode()) + len(raw)
    return size


def read_message(part: Part, message_id: str, now: datetime) -> Message:
    """Return the message that a send asks to store.

    Raises:
        RefusedError: the body is empty, too long, or not text that SQS takes.
    """
    body = part["MessageBody"]
    if not body:
        raise RefusedError(
            "MissingParameter", "The request must contain the parameter MessageBody."
        )
    if _BAD_TEXT.search(body):
        raise RefusedError("InvalidMessageContents", "Invalid characters found in the body.")
    size = payload_size(part)
    if size > MAX_BYTES:
        raise RefusedError(
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than "
            f"{MAX_BYTES} bytes.",
        )
    return Message(
        id=message_id,
        body=body,
        attributes=dict(part.get("MessageAttributes", {})),
        sent_at=now,
        size=size,
    )


def visible_at(part: Part, queue: Queue, now: datetime) -> datetime:
    """Return when a sent message may be seen: after its own delay, else the queue's.

    Raises:
        RefusedError: the delay is not 0..900 s.
    """
    delay = part.get("DelaySeconds", queue.settings.delay_s)
    if not 0 <= delay <= MAX_DELAY_S:
        raise bad_value(delay, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {MAX_DELAY_S}")
    return now + timedelta(seconds=delay)


def sent(message: Message) -> dict[str, Any]:
    """Return the answer for a message that was stored."""
    return {"MessageId": message.id, "MD5OfMessageBody": md5(message.body)}


def failed(entry: Part, error: RefusedError) -> dict[str, Any]:
    """Return the answer for an entry that failed alone."""
    return {
        "Id": entry["Id"],
        "Code": error.code,
        "Message": error.message,
        "SenderFault": error.code not in {"InternalError", "ServiceUnavailable"},
    }


def checked_entries(entries: Sequence[Part]) -> Sequence[Part]:
    """Return a batch's entries.

    Raises:
        RefusedError: none, more than ten, or ids that are malformed or not distinct.
    """
    if not entries:
        raise RefusedError(
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.",
        )
    if len(entries) > MAX_ENTRIES:
        raise RefusedError(
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are 10. You have sent {len(entries)}.",
        )
    ids = [entry["Id"] for entry in entries]
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        raise RefusedError(
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and "
            "underscores. It can be at most 80 letters long.",
        )
    for index, entry_id in enumerate(ids):
        if entry_id in ids[:index]:
            raise RefusedError(
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", f"Id {entry_id} repeated."
            )
    return entries


def check_batch_size(entries: Sequence[Part]) -> None:
    """Refuse a batch over 1 MiB in total.

    Raises:
        RefusedError: see above.
    """
    size = sum(map(payload_size, entries))
    if size > MAX_BYTES:
        raise RefusedError(
            "AWS.SimpleQueueService.BatchRequestTooLong",
            f"Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {size} bytes.",
        )


def attributes(queue: Queue, now: datetime) -> dict[str, str]:
    """Return all attributes of a queue that the fake knows."""
    visible, flying, delayed = queue.counts(now)
    settings = queue.settings
    known = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(visible),
        "ApproximateNumberOfMessagesNotVisible": str(flying),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "VisibilityTimeout": str(settings.visibility_s),
        "DelaySeconds": str(settings.delay_s),
        "MessageRetentionPeriod": str(settings.retention_s),
        "MaximumMessageSize": str(MAX_BYTES),
    }
    if queue.dead_letters is not None:
        known["RedrivePolicy"] = json.dumps(
            {
                "deadLetterTargetArn": queue.dead_letters.arn,
                "maxReceiveCount": settings.max_receive_count,
            }
        )
    return known
