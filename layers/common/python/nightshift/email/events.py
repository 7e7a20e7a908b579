"""What SES tells of mails that were sent: who bounced and who complained.

The events come through EventBridge, at least once and in no order (SES Developer Guide, "Contents
of event data that Amazon SES publishes"). What is not understood is logged and let pass: no retry
would make it clearer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from nightshift.email.addresses import read_address
from nightshift.email.errors import BadAddressError
from nightshift.email.model import Address, SuppressionReason
from nightshift.email.suppression import Suppressions
from nightshift.observability import Log, count

Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An address that is to be written to no more, and why."""

    address: str
    reason: SuppressionReason
    detail: str


def verdicts(event: Event) -> Iterator[Verdict]:
    """Yield who is to be written to no more.

    Only bounces for good count: a full mailbox may empty, and a server may come back. A complaint
    that takes a mail out of the spam folder is none.
    """
    detail = event.get("detail") or {}
    kind = detail.get("eventType")
    if kind == "Bounce":
        yield from _bounced(detail.get("bounce") or {})
    elif kind == "Complaint":
        yield from _complained(detail.get("complaint") or {})


def _bounced(bounce: Event) -> Iterator[Verdict]:
    if bounce.get("bounceType") != "Permanent":
        return
    for one in bounce.get("bouncedRecipients") or ():
        said = one.get("diagnosticCode") or bounce.get("bounceSubType") or ""
        yield Verdict(
            address=str(one.get("emailAddress") or ""),
            reason=SuppressionReason.BOUNCE,
            detail=str(said),
        )


def _complained(complaint: Event) -> Iterator[Verdict]:
    kind = complaint.get("complaintFeedbackType") or ""
    if kind == "not-spam":
        return
    for one in complaint.get("complainedRecipients") or ():
        yield Verdict(
            address=str(one.get("emailAddress") or ""),
            reason=SuppressionReason.COMPLAINT,
            detail=str(kind or complaint.get("complaintSubType") or ""),
        )


class MailEvents:
    """Puts bounced and complaining addresses on the suppression list."""

    def __init__(self, suppressions: Suppressions, log: Log) -> None:
        self._suppressions = suppressions
        self._log = log

    def take(self, event: Event) -> None:
        """Act on one event; the same event again changes nothing."""
        detail = event.get("detail") or {}
        message_id = str((detail.get("mail") or {}).get("messageId") or "")
        for verdict in verdicts(event):
            address = _address(verdict.address)
            if address is None:
                self._log.warning("mail_event.unreadable", ses_message_id=message_id)
                continue
            entry, is_new = self._suppressions.add(address, verdict.reason, verdict.detail)
            if is_new:
                count("MailSuppressed", reason=verdict.reason.value)
            self._log.info(
                "mail_event.suppressed",
                suppression_id=entry.id,
                reason=verdict.reason.value,
                is_new=is_new,
                ses_message_id=message_id,
            )


def _address(text: str) -> Address | None:
    try:
        return read_address(parseaddr(text)[1])
    except BadAddressError:
        return None
