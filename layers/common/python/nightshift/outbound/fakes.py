"""Stand-ins for the network, for tests: a scripted sender, a resolver from a table, a recorder."""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

from nightshift.outbound.addresses import IPAddress
from nightshift.outbound.connector import Connection
from nightshift.outbound.resolver import LookupFailedError
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Outcome


def answer(
    status: int = 200,
    *,
    outcome: Outcome = Outcome.ANSWERED,
    retry_after_s: float | None = None,
    body: bytes = b"",
    elapsed_ms: int = 0,
) -> OutboundAnswer:
    """Return an answer with `status`; an outcome other than answered has none."""
    return OutboundAnswer(
        outcome=outcome,
        status=status if outcome is Outcome.ANSWERED else None,
        retry_after_s=retry_after_s,
        body=body,
        truncated=False,
        elapsed_ms=elapsed_ms,
        detail=f"scripted: {outcome}",
    )


class ScriptedSender:
    """A sender that answers what it is told to and keeps every request, in order.

    `script` gives the answer to each request; without one every call is answered 200.
    """

    def __init__(self, script: Callable[[OutboundRequest], OutboundAnswer] | None = None) -> None:
        self.requests: list[OutboundRequest] = []
        self.closed = False
        self._script = script

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Keep the request and return the script's answer at once."""
        self.requests.append(request)
        return self._script(request) if self._script else answer()

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True


class StubResolver:
    """Answers each look at a name with the next list of addresses; the last one stays."""

    def __init__(self, names: Mapping[str, Iterable[Iterable[str]]]) -> None:
        self._names = {
            name: [[ip_address(text) for text in texts] for texts in looks]
            for name, looks in names.items()
        }
        self.looks: list[str] = []

    async def resolve(self, host: str) -> list[IPAddress]:
        """Return the addresses of the next look.

        Raises:
            LookupFailedError: the name is not in the table, or has no address at this look.
        """
        self.looks.append(host)
        looks = self._names.get(host, [[]])
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        if not found:
            raise LookupFailedError("not in the table")
        return list(found)

    def close(self) -> None:
        """Hold nothing."""


class ScriptedConnection:
    """A connection that keeps what is written and reads out what it was given."""

    def __init__(self, incoming: bytes) -> None:
        self.written = b""
        self.closed = False
        self._incoming = incoming

    def write(self, data: bytes) -> None:
        """Keep `data`."""
        self.written += data

    async def read(self, limit: int) -> bytes:
        """Return the next bytes given, at most `limit`."""
        data, self._incoming = self._incoming[:limit], self._incoming[limit:]
        return data

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


class RecordingConnector:
    """Records where a connection was asked for and opens none.

    Every connection answers `incoming`; addresses in `unreachable` fail.
    """

    def __init__(
        self,
        incoming: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        *,
        unreachable: Iterable[str] = (),
    ) -> None:
        self.asked: list[tuple[str, int, str | None]] = []
        self.connections: list[ScriptedConnection] = []
        self._incoming = incoming
        self._unreachable = frozenset(unreachable)

    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        """Record the address, port and TLS name; return a scripted connection.

        Raises:
            ConnectionRefusedError: the address is among the unreachable.
        """
        self.asked.append((str(address), port, tls_name))
        if str(address) in self._unreachable:
            raise ConnectionRefusedError
        self.connections.append(ScriptedConnection(self._incoming))
        return self.connections[-1]
