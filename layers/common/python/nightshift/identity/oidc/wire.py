"""Calls to providers: by the guarded sender, so that no metadata can lead inside."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from nightshift.ports.sender import OutboundRequest, Outcome, Sender

MAX_ANSWER_BYTES = 262_144
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """An answer: its status (0 is none at all), and its JSON object, empty where it has none.

    `detail` is one sentence for the log.
    """

    status: int
    json: Mapping[str, Any]
    detail: str

    @property
    def ok(self) -> bool:
        """Tell whether it is a 200 with a JSON object in it."""
        return self.status == 200 and bool(self.json)  # noqa: PLR2004 - HTTP's own


class Wire:
    """Gets and posts, one call at a time; redirects are answers like all others."""

    def __init__(self, sender: Callable[[], Sender], *, timeout_s: float) -> None:
        self._sender = sender
        self._timeout_s = timeout_s

    def get(self, url: str, *, bearer: str = "") -> Document:
        """Return what is at an address."""
        return self._call("GET", url, {"authorization": f"Bearer {bearer}"} if bearer else {})

    def post(
        self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None
    ) -> Document:
        """Post a form; `basic` is a client's id and secret (RFC 6749 section 2.3.1)."""
        headers = {"content-type": FORM}
        if basic is not None:
            text = ":".join(quote(part, safe="") for part in basic)
            headers["authorization"] = "Basic " + base64.b64encode(text.encode()).decode("ascii")
        return self._call("POST", url, headers, urlencode(form).encode())

    def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Document:
        request = OutboundRequest(
            method=method,
            url=url,
            headers={"accept": "application/json", **headers},
            body=body,
            timeout_s=self._timeout_s,
        )
        answer = asyncio.run(self._sender().send(request))
        if answer.outcome is not Outcome.ANSWERED or answer.truncated:
            detail = "the answer is too long" if answer.truncated else answer.detail
            return Document(status=0, json={}, detail=detail)
        return Document(
            status=answer.status or 0,
            json=_object(answer.body),
            detail=f"the provider answered {answer.status}",
        )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
