"""Mail: hands one finished message to whoever delivers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from nightshift.core.errors import NightshiftError


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that goes along; `content_type` is `type/subtype`."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMail:
    """One mail to one person.

    Attributes:
        mail_id: the same at every attempt; deliverers that can keep it as a tag do.
        sender, to: bare addresses, for the envelope.
        message: the whole RFC 5322 message with CRLF line ends; what is sent is exactly this.
        subject, text, html, headers, attachments: what the message was built from, for adapters
            that show mails instead of sending them.
    """

    mail_id: str
    sender: str
    to: str
    message: bytes
    subject: str
    text: str
    html: str
    made_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


class MailError(NightshiftError):
    """The mail could not be handed over.

    `certain` says that it was not taken: only then does another attempt cost nothing. `retryable`
    says whether the same mail may be taken later, `retry_after_s` in how many seconds, where known.
    """

    slug = "mail_failed"
    status = 502
    certain: ClassVar[bool] = True
    retryable: ClassVar[bool] = True


class MailRefusedError(MailError):
    """The mail was refused for good; another attempt would be refused, too."""

    slug = "mail_refused"
    retryable = False


class MailThrottledError(MailError):
    """Mail is being sent too fast, or today's quota is used up; try again later."""

    slug = "mail_throttled"
    status = 503


class MailUnavailableError(MailError):
    """Nobody takes mail at the moment; try again later."""

    slug = "mail_unavailable"
    status = 503


class MailUncertainError(MailError):
    """The connection broke after the mail was handed over: it may have been taken or not."""

    slug = "mail_uncertain"
    status = 503
    certain = False


class MailTransport(Protocol):
    """Delivers mail. It makes one attempt, does not look for earlier ones, and does not log."""

    @property
    def name(self) -> str:
        """The word by which the configuration calls it."""
        ...

    def send(self, mail: OutgoingMail) -> str:
        """Hand the mail over and return the deliverer's own id of it.

        Raises:
            MailError: it was not taken, or nobody knows; see `certain` and `retryable`.
        """
        ...
