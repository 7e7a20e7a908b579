"""From a template, its data and a reader to a mail that can be handed over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nightshift.email.messages import Sender, build_message
from nightshift.email.model import Address, MailId, Reader, Template
from nightshift.email.rendering import Brand, render
from nightshift.email.schemas import MailData, with_links
from nightshift.ports.mail import Attachment, OutgoingMail


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """All that a mail is made from; `unsubscribe_url` is empty where it cannot be."""

    mail_id: MailId
    template: Template
    data: MailData
    reader: Reader
    to: Address
    unsubscribe_url: str = ""
    attachments: tuple[Attachment, ...] = ()


class Composer:
    """Composes mails that all come from one sender."""

    def __init__(self, *, sender: Sender, brand: Brand, now: Callable[[], datetime]) -> None:
        self._sender = sender
        self._brand = brand
        self._now = now

    def compose(self, letter: Letter) -> OutgoingMail:
        """Return the mail.

        Raises:
            ValueError: a header would have held a line end.
        """
        rendered = render(
            letter.template,
            with_links(letter.data, self._brand.url),
            reader=letter.reader,
            brand=self._brand,
            unsubscribe_url=letter.unsubscribe_url,
        )
        return build_message(
            letter.mail_id,
            rendered,
            sender=self._sender,
            to=letter.to,
            now=self._now(),
            unsubscribe_url=letter.unsubscribe_url,
            attachments=letter.attachments,
        )
