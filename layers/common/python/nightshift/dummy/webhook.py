"""The dummy webhook's behaviour, behind an HTTP API event (payload format 2.0).

Anything but GET to /dev/dummy-webhook is a call: its body is logged (only here, only in
development), it is counted, takes 100 to 500 ms at random, and is answered 500 when its number can
be divided by 7 or by 11, else 200. Besides:

    GET /dev/dummy-webhook                 {"count": n}
    PUT /dev/dummy-webhook/count           {"count": n} sets it
    GET /dev/dummy-webhook/requests?limit= the latest calls, newest first, 100 unless told
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from http import HTTPStatus
from random import Random
from typing import Any, Final

from nightshift.core.clock import Clock, rfc3339
from nightshift.dummy.ledger import Call, Ledger

ROOT: Final = "/dev/dummy-webhook"
FAILS_EVERY: Final = (7, 11)
MIN_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 0.5
MAX_BODY_CHARS: Final = 32_768
"""How much of a body is kept for /requests; the log has all of it."""
DEFAULT_LISTED: Final = 100
MAX_LISTED: Final = 1000
MAX_COUNT: Final = 10**12

_PROBLEMS: Final = {
    404: ("Not Found", "not_found"),
    405: ("Method Not Allowed", "method_not_allowed"),
    422: ("Unprocessable Content", "validation_failed"),
    500: ("Internal Server Error", "dummy_failure"),
}
_LIMIT = re.compile(r"[1-9][0-9]{0,3}")
Event = Mapping[str, Any]
Answer = dict[str, Any]


def fails(count: int) -> bool:
    """Tell whether the request with this number is answered 500."""
    return any(count % every == 0 for every in FAILS_EVERY)


class DummyWebhook:
    """Answers events; `sleep` takes seconds, `log` one line of JSON."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        random: Random,
        sleep: Callable[[float], None],
        log: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._log = log

    def answer(self, event: Event) -> Answer:
        """Return the answer to one event; a wrong one gets 404, 405 or 422 and changes nothing."""
        method = event["requestContext"]["http"]["method"]
        below = event["rawPath"].partition(ROOT)[2].strip("/")
        routes = {
            ("GET", ""): self._show,
            ("PUT", "count"): self._set,
            ("GET", "requests"): self._list,
        }
        if (method, below) in routes:
            return routes[method, below](event)
        if not below:
            return self._call(event, method)
        known = any(below == path for _, path in routes)
        return _problem(HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND)

    def _call(self, event: Event, method: str) -> Answer:
        count = self._ledger.next_count()
        status = HTTPStatus.INTERNAL_SERVER_ERROR if fails(count) else HTTPStatus.OK
        call = Call(
            count=count,
            received_at=rfc3339(self._clock.now()),
            method=method,
            headers=dict(event.get("headers") or {}),
            body=_body(event),
            answered=int(status),
        )
        self._log(_log_line(call))
        self._ledger.keep(replace(call, body=call.body[:MAX_BODY_CHARS]))
        self._sleep(self._random.uniform(MIN_DELAY_S, MAX_DELAY_S))
        if status is HTTPStatus.OK:
            return _json(status, {"count": count})
        return _problem(status, f"request {count} fails: every 7th and every 11th does")

    def _show(self, _event: Event) -> Answer:
        return _json(HTTPStatus.OK, {"count": self._ledger.count()})

    def _set(self, event: Event) -> Answer:
        try:
            body = json.loads(_body(event))
        except ValueError:
            body = None
        count = body.get("count") if isinstance(body, dict) else None
        if type(count) is not int or not 0 <= count <= MAX_COUNT or len(body) != 1:
            return _problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f'the body must be {{"count": n}} with a whole number from 0 to {MAX_COUNT}',
            )
        self._ledger.set_count(count)
        return _json(HTTPStatus.OK, {"count": count})

    def _list(self, event: Event) -> Answer:
        text = (event.get("queryStringParameters") or {}).get("limit", str(DEFAULT_LISTED))
        if not _LIMIT.fullmatch(text) or int(text) > MAX_LISTED:
            return _problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"limit must be a whole number from 1 to {MAX_LISTED}",
            )
        items = [asdict(call) for call in self._ledger.latest(int(text))]
        return _json(HTTPStatus.OK, {"items": items})


def _log_line(call: Call) -> str:
    line = {"action": "dummy_webhook.called", "level": "INFO", **asdict(call)}
    del line["headers"]  # They carry credentials now and then, and nobody reads them in a log.
    return json.dumps(line, ensure_ascii=False)


def _body(event: Event) -> str:
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body).decode("utf-8", "replace")
    return body


def _json(
    status: HTTPStatus, body: Mapping[str, object], *, kind: str = "application/json"
) -> Answer:
    text = json.dumps(body, ensure_ascii=False)
    return {"statusCode": int(status), "headers": {"content-type": kind}, "body": text}


def _problem(status: HTTPStatus, detail: str | None = None) -> Answer:
    # The names are our own: the standard library's differ from one Python to the next.
    title, slug = _PROBLEMS[int(status)]
    body = {
        "type": "about:blank",
        "title": title,
        "status": int(status),
        "detail": detail or title,
        "error": slug,
    }
    return _json(status, body, kind="application/problem+json")
