"""The stand-in behind an HTTP API's event (payload format 2.0), below /dev/github."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from nightshift.github_stand_in.service import StandIn

ROOT: Final = "/dev/github"


def answer(
    stand_in: StandIn, event: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Return the gateway's answer to an event."""
    found = stand_in.answer(
        str(event["requestContext"]["http"]["method"]),
        str(event["rawPath"]).partition(ROOT)[2] or "/",
        str(event.get("rawQueryString") or ""),
        {str(k).lower(): str(v) for k, v in (event.get("headers") or {}).items()},
    )
    sleep(found.pause_s)
    return {
        "statusCode": found.status,
        "headers": dict(found.headers),
        "body": found.body.decode(),
        "isBase64Encoded": False,
    }
