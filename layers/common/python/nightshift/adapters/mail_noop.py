"""Mail that is kept instead of sent: in a table, where the local stack's inbox finds it."""

import json
from datetime import timedelta

from nightshift.aws.dynamo import Item, Table
from nightshift.core.clock import rfc3339, to_epoch_s, to_ms
from nightshift.ports.mail import MailRefusedError, OutgoingMail

PARTITION = "KEPT"
KEPT_FOR = timedelta(days=7)
MAX_BYTES = 380_000
"""What fits an item of 400 KB, with room for its keys."""


class KeptMail:
    """Keeps mails for a week; the same mail again replaces its first copy."""

    name = "noop"

    def __init__(self, table: Table) -> None:
        self._table = table

    def send(self, mail: OutgoingMail) -> str:
        """Keep the mail; see `ports.mail.MailTransport`."""
        kept = json.dumps(
            {
                "to": mail.to,
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "sent_at": rfc3339(mail.made_at),
                "headers": dict(mail.headers),
                "attachments": [
                    {"filename": a.filename, "content_type": a.content_type, "size": len(a.data)}
                    for a in mail.attachments
                ],
            },
            ensure_ascii=False,
        )
        if len(kept.encode()) > MAX_BYTES:
            raise MailRefusedError(f"A mail of more than {MAX_BYTES} bytes cannot be kept.")
        self._table.put(
            {
                "pk": PARTITION,
                "sk": f"{to_ms(mail.made_at):014d}#{mail.mail_id}",
                "mail": kept,
                "expires_at": to_epoch_s(mail.made_at + KEPT_FOR),
            }
        )
        return mail.mail_id


def kept_mail(item: Item) -> dict[str, object]:
    """Return the mail in an item as the inbox shows it."""
    mail: dict[str, object] = json.loads(item["mail"])
    return mail
