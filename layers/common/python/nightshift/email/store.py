"""What is known of each mail, in the email table: that it was asked for, is being sent, was sent.

A mail is claimed before it is handed over, and the claims are counted. So a mail whose fate nobody
knows (the process died, or the answer was lost, after the hand-over) is handed over at most
`MAX_HANDOVERS` times.
"""

from dataclasses import dataclass
from datetime import datetime

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Item,
    Put,
    Table,
    Update,
)
from nightshift.core.clock import to_epoch_s, to_ms
from nightshift.email import keys

SCHEMA_VERSION = 1
MAX_HANDOVERS = 2
"""How often a mail may be handed over when it is not known what came of it: it may arrive twice,
never three times. Attempts that certainly failed do not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Whether the mail may be handed over now; if not, `was_sent` says why."""

    granted: bool
    was_sent: bool = False


class MailStore:
    """The mails, by id."""

    def __init__(self, table: Table, *, retention_s: int) -> None:
        self._table = table
        self._retention_s = retention_s

    def asked_part(self, mail_id: str, *, template: str, user_id: str, now: datetime) -> Put:
        """Return the write that says a mail was asked for; it is refused the second time."""
        return Put(
            table=self._table.name,
            item=keys.mail(mail_id)
            | {
                "v": SCHEMA_VERSION,
                "template": template,
                "user_id": user_id,
                "asked_ms": to_ms(now),
                "expires_at": self._expiry(now),
            },
            condition=NOT_EXISTS,
        )

    def claim(self, mail_id: str, *, token: str, now: datetime) -> Claim:
        """Claim the mail for one hand-over, for whoever holds `token`.

        The same token again is granted again: its first answer was lost.
        """
        update = Update(
            table=self._table.name,
            key=keys.mail(mail_id),
            expression="SET claim = :token, claimed_ms = :now, expires_at = :end "
            "ADD handovers :one",
            condition=Condition(
                expression="attribute_not_exists(sent_ms) AND "
                "(attribute_not_exists(handovers) OR handovers < :most)",
                values={":most": MAX_HANDOVERS},
            ),
            values={":token": token, ":now": to_ms(now), ":one": 1, ":end": self._expiry(now)},
        )
        try:
            self._table.write(update)
        except ConditionFailedError as refused:
            item: Item = refused.item or {}
            if "sent_ms" in item:
                return Claim(granted=False, was_sent=True)
            return Claim(granted=item.get("claim") == token)
        return Claim(granted=True)

    def release(self, mail_id: str, *, token: str) -> None:
        """Take the claim back: the mail was certainly not taken."""
        update = Update(
            table=self._table.name,
            key=keys.mail(mail_id),
            expression="REMOVE claim ADD handovers :less",
            condition=Condition(expression="claim = :token", values={":token": token}),
            values={":less": -1},
        )
        try:
            self._table.write(update)
        except ConditionFailedError:
            return

    def sent(self, mail_id: str, *, provider_id: str, now: datetime) -> None:
        """Note that the mail was taken, and by what id the deliverer knows it."""
        self._table.write(
            Update(
                table=self._table.name,
                key=keys.mail(mail_id),
                expression="SET sent_ms = :now, provider_id = :id, expires_at = :end",
                values={":now": to_ms(now), ":id": provider_id, ":end": self._expiry(now)},
            )
        )

    def _expiry(self, now: datetime) -> int:
        return to_epoch_s(now) + self._retention_s
