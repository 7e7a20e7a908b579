"""Custom resources of CloudFormation: do something, and answer whatever happens.

A stack waits until somebody answers at the URL that the request names, for up to an hour. So
every request is answered, failures and hangs too, while there still is time to.
Source: "Custom resource request and response objects" in the CloudFormation user guide.
"""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from nightshift.observability import Log

ANSWER_RESERVE_S = 12.0
"""Seconds kept back for answering."""

ANSWER_TIMEOUT_S = 3.0
ANSWER_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What CloudFormation wants: `kind` is Create, Update or Delete, `properties` the template's.

    At a Delete after a replacement, `properties` are those of the resource that goes.
    """

    kind: str
    properties: Mapping[str, Any]


def answer(
    event: Mapping[str, Any],
    *,
    physical_id: Callable[[Change], str],
    act: Callable[[Change], object],
    remaining_s: float,
    log: Log,
) -> None:
    """Run `act` on the change that `event` asks for, and tell CloudFormation how it went.

    The resource is known as `physical_id(change)`; a Delete keeps the id that it names. `act` gets
    `remaining_s` less `ANSWER_RESERVE_S` seconds; one that takes longer is answered as failed, and
    goes on meanwhile. The reason names the kind of failure alone, since messages may quote values.

    Raises:
        OSError: the answer reached nobody, and the stack will time out.
    """
    change = Change(kind=event["RequestType"], properties=event["ResourceProperties"])
    reason = _run(act, change, seconds=remaining_s - ANSWER_RESERVE_S)
    is_delete = change.kind == "Delete"
    body = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason or "done",
        "PhysicalResourceId": event["PhysicalResourceId"] if is_delete else physical_id(change),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    log.info("custom_resource_answered", kind=change.kind, outcome=body["Reason"])
    _send(event["ResponseURL"], json.dumps(body).encode())


def _run(act: Callable[[Change], object], change: Change, *, seconds: float) -> str | None:
    """Return why `act` failed, or None when it did its work in time."""
    outcome: SimpleQueue[str | None] = SimpleQueue()
    worker = threading.Thread(target=lambda: outcome.put(_attempt(act, change)), daemon=True)
    worker.start()
    try:
        return outcome.get(timeout=max(seconds, 0.0))
    except Empty:
        return "it took too long"


def _attempt(act: Callable[[Change], object], change: Change) -> str | None:
    try:
        act(change)
    except Exception as error:  # noqa: BLE001 - whatever it is, the stack must not wait for an hour
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        return f"{type(error).__name__} {code}".strip()
    return None


def _send(url: str, body: bytes) -> None:
    if not url.startswith(("https://", "http://")):
        raise ValueError("the response URL is no web address")
    # The URL is signed without a content type: urllib would add one, and S3 refuse it.
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, data=body, method="PUT", headers={"content-type": ""}
    )
    for left in reversed(range(ANSWER_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S):  # noqa: S310 - the same
                return
        except OSError:
            if not left:
                raise
