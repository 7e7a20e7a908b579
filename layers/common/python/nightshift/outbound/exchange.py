"""One HTTP/1.1 request and its answer over an open connection; h11 does the parsing."""

import ssl
from typing import Final

import h11

from nightshift.outbound.connector import Connection
from nightshift.outbound.failures import CallFailedError
from nightshift.ports.sender import Outcome

MAX_HEAD_BYTES: Final = 16 * 1024
"""Status line and headers of an answer; also the longest chunk header and trailer."""
MAX_ANSWER_HEADERS: Final = 100
MAX_INTERIM_ANSWERS: Final = 10
"""How many 1xx answers are borne before the final one."""
_READ_BYTES: Final = 4096


class Exchange:
    """A request under way. What was read stays readable when `run` fails or is cancelled."""

    def __init__(self, connection: Connection, *, max_body: int) -> None:
        self._connection = connection
        self._max_body = max_body
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._heard = False
        self._body = bytearray()
        self.status: int | None = None
        self.retry_after: str | None = None

    @property
    def body(self) -> bytes:
        """Return the first `max_body` bytes of the content read so far."""
        return bytes(self._body[: self._max_body])

    @property
    def truncated(self) -> bool:
        """Tell whether there was more content than `body` holds."""
        return len(self._body) > self._max_body

    async def run(self, request: h11.Request, body: bytes) -> None:
        """Send the request, read its answer, and stop reading once the content is over the cap.

        Raises:
            CallFailedError: the answer is no HTTP/1.1, exceeds a bound, or broke off.
        """
        try:
            # One write, never awaited: a receiver may answer before it has read everything.
            self._connection.write(self._message(request, body))
            await self._read_answer()
        except h11.ProtocolError as error:
            raise CallFailedError(Outcome.PROTOCOL_ERROR, _without_bytes(error)) from error
        except ssl.SSLError as error:
            raise CallFailedError(Outcome.TLS_FAILED, "TLS failed while reading") from error
        except OSError as error:
            raise CallFailedError(Outcome.RESET, "the receiver broke the connection") from error

    def _message(self, request: h11.Request, body: bytes) -> bytes:
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self._http.send(event) or b"" for event in events)

    async def _read_answer(self) -> None:
        interim = 0
        while not self.truncated:
            event = await self._next_event()
            if isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.Response):
                self._start(event)
            elif isinstance(event, h11.InformationalResponse):
                interim += 1
                if interim > MAX_INTERIM_ANSWERS:
                    raise CallFailedError(Outcome.PROTOCOL_ERROR, "too many interim answers")
            else:
                return

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._connection.read(_READ_BYTES)
            if not data and not self._heard:
                raise CallFailedError(Outcome.RESET, "the receiver hung up without an answer")
            self._heard = True
            self._http.receive_data(data)
        return event

    def _start(self, response: h11.Response) -> None:
        if len(response.headers) > MAX_ANSWER_HEADERS:
            raise CallFailedError(Outcome.PROTOCOL_ERROR, "too many headers in the answer")
        self.status = response.status_code
        for name, value in response.headers:
            if name == b"retry-after" and self.retry_after is None:
                self.retry_after = value.decode("latin-1")


def _without_bytes(error: h11.ProtocolError) -> str:
    """Return h11's complaint without the bytes that it quotes: they are the receiver's."""
    return "the answer is not valid HTTP/1.1: " + str(error).partition(":")[0]
