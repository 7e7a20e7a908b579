"""A real mail server on loopback (aiosmtpd) that does with mail what the test says."""

import asyncio
import ssl
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "correct horse"


@dataclass
class Mailbox:
    """Keeps what comes and answers as it is told; with `vanish` it hangs up instead."""

    mails: list[Envelope] = field(default_factory=list)
    at_recipient: str = "250 OK"
    at_data: str = "250 OK"
    vanish: bool = False
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the server's own name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        if self.at_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(  # noqa: N802 - the same
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Answer to a message."""
        self.mails.append(envelope)
        if self.vanish and server.transport is not None:
            server.transport.abort()  # type: ignore[attr-defined]  # a write transport has it
        return self.at_data

    def sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        """Judge a password."""
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        right = data.password.decode() == PASSWORD
        return AuthResult(success=right, handled=right)


class MailServer:
    """Serves a mailbox at 127.0.0.1:`port` from a thread of its own; a context manager.

    `tls` is TLS from the first byte; what else the server can do are aiosmtpd's own options.
    """

    def __init__(
        self, mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, **options: Any
    ) -> None:
        self.port = 0
        self._mailbox = mailbox
        self._tls = tls
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _protocol(self) -> SMTP:
        return SMTP(self._mailbox, loop=self._loop, hostname="mail.test", **self._options)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
