"""One HTTP call to an address that a user supplied: what goes out and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_SUCCESS = range(200, 300)


class Outcome(StrEnum):
    """How a call ended; only `answered` says that a whole answer (or its capped part) came back."""

    ANSWERED = "answered"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"
    UNRESOLVED = "unresolved"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    RESET = "reset"
    PROTOCOL_ERROR = "protocol_error"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundRequest:
    """A call to make.

    `headers` hold neither Host nor any header that frames the message: the sender writes those.
    `timeout_s` is the total for everything, from resolving the name to the answer's last byte.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundAnswer:
    """What came of a call.

    Attributes:
        outcome: how it ended.
        status: the final status (200..599 and beyond) as soon as it was read, so it may be set
            although the rest was cut off and the outcome is a failure; judge by `ok` or `outcome`.
        retry_after_s: seconds from now that the receiver asks to wait (RFC 9110 section 10.2.3),
            never negative, capped by the sender; None when absent or unreadable.
        body: the first bytes of the answer's content, as sent; empty when none came.
        truncated: the content is longer than `body`; the rest was not read.
        elapsed_ms: whole milliseconds that the call took, rounded down.
        detail: one sentence for the log, without headers, bodies or query strings.
    """

    outcome: Outcome
    status: int | None
    retry_after_s: float | None
    body: bytes
    truncated: bool
    elapsed_ms: int
    detail: str

    @property
    def ok(self) -> bool:
        """Tell whether the receiver accepted the call: a whole answer with a 2xx status."""
        return self.outcome is Outcome.ANSWERED and self.status in _SUCCESS


class Sender(Protocol):
    """Calls receivers outside."""

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Make the call once and return what came of it, within `request.timeout_s`.

        Never raises for what the URL, the network or the receiver does; cancelling it cancels the
        call. It does not follow redirects, retry or log.
        """
        ...

    async def aclose(self) -> None:
        """Release what the sender holds; safe to call twice."""
        ...
