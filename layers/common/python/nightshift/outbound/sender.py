"""The sender: resolve once, judge every address, connect to a judged one, bound everything.

Each call has a connection of its own. Keeping connections would save a handshake where calls to one
host come close together, but every call resolves and judges anew, and a fresh connection to an
address just judged is the form of that rule that cannot go wrong.
"""

import asyncio
import errno
import ssl
from typing import Final

import h11

from nightshift.core.clock import Clock, SystemClock, monotonic
from nightshift.outbound.addresses import IPAddress, forbidden_reason
from nightshift.outbound.connector import Connection, Connector, TcpConnector
from nightshift.outbound.errors import InvalidWebhookUrlError
from nightshift.outbound.exchange import Exchange
from nightshift.outbound.failures import CallFailedError
from nightshift.outbound.headers import syntax_problem
from nightshift.outbound.resolver import LookupFailedError, Resolver, SystemResolver
from nightshift.outbound.retry_after import parse_retry_after
from nightshift.outbound.urls import Target, parse_target
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Outcome

DEFAULT_MAX_BODY: Final = 2048
MAX_ADDRESSES_TRIED: Final = 4
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DEFAULT_HEADERS: Final = (("Accept", "*/*"), ("Accept-Encoding", "identity"))
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class _Progress:
    """How far a call has come; read after it was cut off."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.phase = "resolving the name"
        self.exchange: Exchange | None = None


class HttpSender:
    """`ports.sender.Sender` over HTTP/1.1.

    It holds no connections and nothing that belongs to an event loop, so one sender serves a whole
    process. `max_body` is the number of content bytes kept of an answer; `allow_loopback` is for
    development.
    """

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        connector: Connector | None = None,
        clock: Clock | None = None,
        allow_loopback: bool = False,
        max_body: int = DEFAULT_MAX_BODY,
    ) -> None:
        self._resolver = resolver or SystemResolver()
        self._connector = connector or TcpConnector()
        self._clock = clock or SystemClock()
        self._allow_loopback = allow_loopback
        self._max_body = max_body

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Make the call once; see `ports.sender.Sender.send`."""
        started = monotonic()
        progress = _Progress(deadline=started + request.timeout_s)
        try:
            async with asyncio.timeout(request.timeout_s):
                await self._call(request, progress)
        except TimeoutError:
            detail = f"no whole answer within {request.timeout_s:g} s, cut off {progress.phase}"
            return self._answer(progress, started, Outcome.TIMED_OUT, detail)
        except CallFailedError as failure:
            return self._answer(progress, started, failure.outcome, failure.detail)
        return self._answer(progress, started, Outcome.ANSWERED, "the receiver answered")

    async def aclose(self) -> None:
        """Release the resolver's threads."""
        self._resolver.close()

    async def _call(self, request: OutboundRequest, progress: _Progress) -> None:
        target = self._target(request.url)
        message = _message(request, target)
        addresses = await self._addresses(target)
        progress.phase = "connecting"
        connection = await self._connect(addresses, target, progress.deadline)
        try:
            progress.phase = "waiting for the answer"
            progress.exchange = Exchange(connection, max_body=self._max_body)
            await progress.exchange.run(message, request.body)
        finally:
            await connection.close()

    def _target(self, url: str) -> Target:
        try:
            return parse_target(url, allow_loopback=self._allow_loopback)
        except InvalidWebhookUrlError as error:
            raise CallFailedError(Outcome.REFUSED, error.message) from error

    async def _addresses(self, target: Target) -> list[IPAddress]:
        """Return the addresses to try; one forbidden address condemns them all."""
        if target.address is not None:
            return [target.address]
        try:
            addresses = await self._resolver.resolve(target.host)
        except LookupFailedError as error:
            raise CallFailedError(
                Outcome.UNRESOLVED, f"the name has no address: {error}"
            ) from error
        for address in addresses:
            reason = forbidden_reason(address, allow_loopback=self._allow_loopback)
            if reason is not None:
                detail = f"the name resolves to an address that is not public: {reason}"
                raise CallFailedError(Outcome.REFUSED, detail)
        return addresses[:MAX_ADDRESSES_TRIED]

    async def _connect(
        self, addresses: list[IPAddress], target: Target, deadline: float
    ) -> Connection:
        """Connect to the first address that takes the call; each has its share of the time left."""
        *others, last = addresses
        for tried, address in enumerate(others):
            share = (deadline - monotonic()) / (len(addresses) - tried)
            try:
                async with asyncio.timeout(share):
                    return await self._open(address, target)
            except TimeoutError:
                continue
            except CallFailedError as failure:
                if failure.outcome is not Outcome.CONNECT_FAILED:
                    raise
        return await self._open(last, target)

    async def _open(self, address: IPAddress, target: Target) -> Connection:
        tls_name = target.host if target.secure else None
        try:
            return await self._connector.connect(address, target.port, tls_name=tls_name)
        except ssl.SSLError as error:
            detail = f"TLS failed: {_tls_reason(error)}"
            raise CallFailedError(Outcome.TLS_FAILED, detail) from error
        except OSError as error:
            # TimeoutError among them: here it is the kernel's, not the deadline's.
            detail = f"no connection: {errno.errorcode.get(error.errno or 0, type(error).__name__)}"
            raise CallFailedError(Outcome.CONNECT_FAILED, detail) from error

    def _answer(
        self, progress: _Progress, started: float, outcome: Outcome, detail: str
    ) -> OutboundAnswer:
        exchange = progress.exchange
        wait = exchange.retry_after if exchange else None
        return OutboundAnswer(
            outcome=outcome,
            status=exchange.status if exchange else None,
            retry_after_s=None if wait is None else parse_retry_after(wait, self._clock.now()),
            body=exchange.body if exchange else b"",
            truncated=exchange.truncated if exchange else False,
            elapsed_ms=int((monotonic() - started) * 1000),
            detail=detail,
        )


def _message(request: OutboundRequest, target: Target) -> h11.Request:
    """Return the request's head: Host and framing are ours, the rest is the caller's."""
    if request.method not in METHODS:
        raise CallFailedError(Outcome.REFUSED, "the method is not one that calls may use")
    headers = [("Host", target.authority), ("Connection", "close")]
    for name, value in request.headers.items():
        problem = syntax_problem(name, value)
        if problem is not None:
            raise CallFailedError(Outcome.REFUSED, problem)
        headers.append((name, value))
    given = {name.lower() for name in request.headers}
    headers += [(name, value) for name, value in _DEFAULT_HEADERS if name.lower() not in given]
    if request.body or request.method not in _BODILESS:
        headers.append(("Content-Length", str(len(request.body))))
    return h11.Request(method=request.method, target=target.resource, headers=headers)


def _tls_reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's words for a failure; it sets these attributes only on errors of its own."""
    wrong: str | None = getattr(error, "verify_message", None)
    if wrong is not None:
        return f"certificate not valid ({wrong})"
    reason: str | None = getattr(error, "reason", None)
    return (reason or "handshake failed").lower().replace("_", " ")
