"""The mail port on SMTP submission: TLS from the start or by STARTTLS, always verified."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from nightshift.ports.mail import (
    MailError,
    MailRefusedError,
    MailThrottledError,
    MailUnavailableError,
    MailUncertainError,
    OutgoingMail,
)

TIMEOUT_S = 20.0
_TOO_MUCH = frozenset({421, 450, 451, 452, 454})


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """Where mail is submitted. `security` `none` is for a server on this very machine."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""


class SmtpMail:
    """Sends through one SMTP server, a connection a mail; `password` is asked at each.

    `tls` is the client context; None trusts the system's roots.
    """

    name = "smtp"

    def __init__(
        self,
        server: SmtpServer,
        password: Callable[[], str],
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._server = server
        self._password = password
        self._tls = tls
        self._timeout_s = timeout_s

    def send(self, mail: OutgoingMail) -> str:
        """Hand the mail over; see `ports.mail.MailTransport`."""
        try:
            connection = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise MailUnavailableError("The mail server refuses our credentials.") from error
        except smtplib.SMTPNotSupportedError as error:
            raise MailUnavailableError("The mail server offers no TLS or no sign-in.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailableError(f"No mail server: {type(error).__name__}.") from error
        try:
            self._submit(connection, mail)
        finally:
            connection.close()
        return mail.mail_id

    def _open(self) -> smtplib.SMTP:
        server, tls = self._server, self._tls or ssl.create_default_context()
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout_s, context=tls
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        try:
            if server.security == "starttls":
                connection.starttls(context=tls)
            if server.user:
                connection.login(server.user, self._password())
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _submit(connection: smtplib.SMTP, mail: OutgoingMail) -> None:
        options = () if mail.to.isascii() else ("SMTPUTF8",)
        try:
            connection.sendmail(mail.sender, [mail.to], mail.message, mail_options=options)
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefusedError("The mail server takes ASCII addresses only.") from error
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise _refused(code) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailUncertainError from error


def _refused(code: int) -> MailError:
    """Return what an answer means: 4yz is for now, 5yz for good (RFC 5321 section 4.2.1)."""
    if code in _TOO_MUCH:
        return MailThrottledError(f"The mail server answered {code}.")
    if 400 <= code < 500:  # noqa: PLR2004 - the class of transient answers
        return MailUnavailableError(f"The mail server answered {code}.")
    return MailRefusedError(f"The mail server answered {code}.")
