"""What mail is made of: templates, what users choose of them, and how a mail stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

MailId = NewType("MailId", str)
SEND_KIND = "email.send"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A checked address. `spec` is ASCII unless its local part is not (RFC 6531)."""

    local: str
    domain: str

    @property
    def spec(self) -> str:
        """The address for envelope and headers."""
        return f"{self.local}@{self.domain}"

    @property
    def normal(self) -> str:
        """The form under which two spellings of one mailbox are the same."""
        return self.spec.lower()


class Template(StrEnum):
    """The closed list of mails; the data of each is declared in `schemas`."""

    WELCOME = "welcome"
    VERIFICATION = "verification"
    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"
    NEW_SIGN_IN = "new_sign_in"
    WEEKLY_SUMMARY = "weekly_summary"
    MONTHLY_REPORT = "monthly_report"
    EXPORT_READY = "export_ready"
    TASK_FAILED = "task_failed"
    TASK_PAUSED = "task_paused"


class Category(StrEnum):
    """What a user can choose to get; a template without a category is sent whatever is chosen."""

    WEEKLY_SUMMARY = "weekly_summary"
    MONTHLY_REPORT = "monthly_report"
    TASK_ALERTS = "task_alerts"


CATEGORY_OF: Mapping[Template, Category] = {
    Template.WEEKLY_SUMMARY: Category.WEEKLY_SUMMARY,
    Template.MONTHLY_REPORT: Category.MONTHLY_REPORT,
    Template.TASK_FAILED: Category.TASK_ALERTS,
    Template.TASK_PAUSED: Category.TASK_ALERTS,
}
"""All other templates belong to something that the user did or that happened to the account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """The user that a mail is for, as of the moment it is sent.

    `locale` is a BCP 47 tag such as `en-GB`, `time_zone` an IANA name; either may be empty. A
    category that `choices` does not name is wanted. `verified` says that the user has proved
    to read the address.
    """

    user_id: str
    email: str
    name: str = ""
    locale: str = ""
    time_zone: str = ""
    choices: Mapping[str, bool] | None = None
    verified: bool = False

    def wants(self, category: Category | None) -> bool:
        """Tell whether the user wants mails of this category; None is always sent."""
        return category is None or (self.choices or {}).get(category, True)


class Readers(Protocol):
    """Where users and their choices come from; identity gives them."""

    def find(self, user_id: str) -> Reader | None:
        """Return the user, or None when the account is gone or disabled."""
        ...

    def stop(self, user_id: str, category: Category) -> None:
        """Note that the user wants no more mails of this category; a user who is gone is fine."""
        ...


class Sent(StrEnum):
    """What became of a mail, as its job's result says."""

    SENT = "sent"
    ALREADY_SENT = "already_sent"
    SUPPRESSED = "suppressed"
    UNWANTED = "unwanted"
    UNVERIFIED = "unverified"
    NO_RECIPIENT = "no_recipient"
    EXPIRED = "expired"


NOTICES = frozenset(
    {
        Template.WEEKLY_SUMMARY,
        Template.MONTHLY_REPORT,
        Template.EXPORT_READY,
        Template.TASK_FAILED,
        Template.TASK_PAUSED,
    }
)
"""Mails whose links lead to pages that ask for a sign-in: their data need not be sealed, so that
who sends them needs no key. They carry words that users wrote, such as a task's name, and so go to
verified addresses only: whoever registers a stranger's address cannot write to the stranger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendMail:
    """The payload of `email.send`: address, data and attachments as JSON, sealed or in `content`.

    What is in `content` is a notice, and names no address.
    """

    mail_id: str
    template: str
    sealed: str = ""
    content: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachedBlob:
    """A file in the payloads bucket that goes along with a mail."""

    key: str
    filename: str
    content_type: str


class SuppressionReason(StrEnum):
    """Why an address is not written to."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that is not written to. `id` names it without showing it."""

    id: str
    email: str
    reason: SuppressionReason
    detail: str
    since: datetime
