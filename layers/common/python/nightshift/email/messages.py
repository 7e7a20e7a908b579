"""From rendered content to an RFC 5322 message, by the standard library's own header rules.

Nobody can inject a header: addresses are parsed ones, texts of users are one line without encoded
words, every value is set through `email.policy.SMTP`, which refuses line ends, and what is not
ASCII is encoded (RFC 2047).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from nightshift.email.model import Address, MailId
from nightshift.email.rendering import Rendered
from nightshift.ports.mail import Attachment, OutgoingMail

MAX_NAME_CHARS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who writes, and where answers go; None is to the sender."""

    address: Address
    name: str = ""
    reply_to: Address | None = None


def build_message(
    mail_id: MailId,
    rendered: Rendered,
    *,
    sender: Sender,
    to: Address,
    now: datetime,
    unsubscribe_url: str = "",
    attachments: Sequence[Attachment] = (),
) -> OutgoingMail:
    """Return the mail, ready to be handed over.

    `Message-ID` is made from `mail_id`, so that a mail that is handed over twice can be recognised.
    With `unsubscribe_url` the mail can be unsubscribed from by one click (RFC 8058).

    Raises:
        ValueError: a header would have held a line end.
    """
    message = EmailMessage(policy=SMTP if to.spec.isascii() else SMTPUTF8)
    message["From"] = _header_address(sender.address, sender.name)
    message["To"] = _header_address(to)
    message["Subject"] = _visible(rendered.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail_id}@{sender.address.domain}>"
    if sender.reply_to is not None:
        message["Reply-To"] = _header_address(sender.reply_to)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if unsubscribe_url:
        message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    for one in attachments:
        kind, _, subkind = one.content_type.partition("/")
        name = _visible(one.filename)
        message.add_attachment(one.data, maintype=kind, subtype=subkind, filename=name)
    return OutgoingMail(
        mail_id=mail_id,
        sender=sender.address.spec,
        to=to.spec,
        message=message.as_bytes(),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        made_at=now,
        headers={name: str(value) for name, value in message.items()},
        attachments=tuple(attachments),
    )


def _header_address(address: Address, name: str = "") -> HeaderAddress:
    return HeaderAddress(
        display_name=_visible(name)[:MAX_NAME_CHARS], username=address.local, domain=address.domain
    )


def _visible(text: str) -> str:
    """Return the text on one line, without what could hide a part of it or be read as more.

    Control characters and direction marks become spaces. So that nothing in it is taken for an
    encoded word (RFC 2047), its beginning is broken: the standard library decodes encoded words in
    a value that it is given, and writes the line ends that it finds in them.
    """
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).replace("=?", "= ?").split())
