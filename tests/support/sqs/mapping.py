"""Lambda's side of a queue: messages as an event, and an answer as deletions.

Source: Lambda developer guide, "Using Lambda with Amazon SQS" and "Reporting batch item failures".
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.support.sqs.queue import REGION, Copy, Queue, system_attributes

MAX_EVENT_BYTES = 6 * 1024 * 1024

Event = dict[str, Any]


def md5(text: str) -> str:
    """Return the MD5 of a body, in hexadecimal, as SQS answers it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def to_event(queue: Queue, copies: list[Copy]) -> Event:
    """Return the event that a function gets for received copies."""
    return {"Records": [_to_record(queue, copy) for copy in copies]}


def _to_record(queue: Queue, copy: Copy) -> dict[str, Any]:
    return {
        "messageId": copy.message.id,
        "receiptHandle": copy.handle,
        "body": copy.message.body,
        "attributes": system_attributes(copy),
        "messageAttributes": {
            name: _to_attribute(value) for name, value in copy.message.attributes.items()
        },
        "md5OfBody": md5(copy.message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": REGION,
    }


def _to_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    parts = {names[name]: part for name, part in value.items() if name in names}
    return {**parts, "stringListValues": [], "binaryListValues": []}


def done_handles(event: Mapping[str, Any], response: object) -> list[str]:
    """Return the receipt handles of the messages that the answer calls done.

    None, an empty answer and an empty list of failures mean that all are done; an exception, an
    answer of another shape, and a failure that names no message of the batch mean that none is.
    """
    records = event["Records"]
    failed = _failed_ids(response)
    if failed is None or not failed <= {record["messageId"] for record in records}:
        return []
    return [r["receiptHandle"] for r in records if r["messageId"] not in failed]


def _failed_ids(response: object) -> set[str] | None:
    if response is None or response == {}:
        return set()
    if not isinstance(response, Mapping):
        return None
    failures = response.get("batchItemFailures", [])
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return None
    return {str(f.get("itemIdentifier") if isinstance(f, Mapping) else f) for f in failures}
