"""The data of each template, checked when a mail is enqueued: unknown or missing fields are errors.

Times may be given as aware `datetime` or RFC 3339 text, days as `date` or ISO text. `name` is how
the user is called; left empty, the user's profile at the time of sending says it.

A link may be a path within the product, which gets the product's address when the mail is sent.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from nightshift.core.errors import FieldError
from nightshift.email.errors import BadMailDataError
from nightshift.email.model import Template
from nightshift.http.schemas import UtcTime

MAX_LINK_CHARS = 2_048
MAX_LINE_CHARS = 300
MAX_TYPES = 12


def _check_link(text: str) -> str:
    is_path = text.startswith("/") and not text.startswith("//")
    if not (is_path or text.startswith(("https://", "http://"))):
        raise ValueError("A link starts with https://, http:// or, within the product, one /")
    if not text.isascii() or "\\" in text:
        raise ValueError("A link is ASCII and holds no backslash")
    if any(c <= " " or c in "\"'<>^`{|}\x7f" for c in text):
        raise ValueError("A link holds no spaces, quotes or control characters")
    return text


def _one_line(text: str) -> str:
    """Return the text on one line: what is not printable, line ends among it, becomes a space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


Link = Annotated[str, Field(max_length=MAX_LINK_CHARS), AfterValidator(_check_link)]
Line = Annotated[str, StringConstraints(max_length=MAX_LINE_CHARS), AfterValidator(_one_line)]
"""A text for one line; line ends and control characters in it are made harmless."""
Count = Annotated[int, Field(ge=0)]
Data = TypeVar("Data", bound="MailData")


class MailData(BaseModel):
    """What every template takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Line = ""


class WelcomeData(MailData):
    """The first mail; `link` leads into the product."""

    link: Link


class VerificationData(MailData):
    """`link` ends in `?token=...` and is good until `expires_at`; later, the mail is not sent."""

    link: Link
    expires_at: UtcTime


class ResetData(MailData):
    """The same for a new password."""

    link: Link
    expires_at: UtcTime


class PasswordChangedData(MailData):
    """When, and from where if known; `link` is where to ask for a new password."""

    changed_at: UtcTime
    address: Line = ""
    user_agent: Line = ""
    link: Link


class NewSignInData(MailData):
    """A sign-in from a device not seen before; `link` is where sessions are ended."""

    signed_in_at: UtcTime
    address: Line = ""
    user_agent: Line = ""
    link: Link


class TypeCount(BaseModel):
    """How many activities of one type."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Line
    count: Count


class Figures(MailData):
    """What a period came to; metres, seconds, whole days."""

    activities: Count
    distance_m: Count
    duration_s: Count
    current_streak_days: Count = 0
    longest_streak_days: Count = 0
    by_type: Annotated[list[TypeCount], Field(max_length=MAX_TYPES)] = []
    link: Link


class WeeklySummaryData(Figures):
    """The week from `week_start` to `week_end`, both in it; the week before for comparison."""

    week_start: date
    week_end: date
    previous_activities: Count | None = None
    previous_distance_m: Count | None = None


class MonthlyReportData(Figures):
    """The month that `month` lies in. The report itself is attached, or found at `link`."""

    month: date
    active_days: Count
    attached: bool = False


class ExportReadyData(MailData):
    """An export; `size_bytes` of the file, `expires_at` of the link."""

    format: Literal["csv", "pdf", "json"]
    items: Count | None = None
    size_bytes: Count | None = None
    link: Link
    expires_at: UtcTime


class TaskFailedData(MailData):
    """A run that failed for good. `reason` is a stable slug, `response_status` the last answer."""

    task_id: Line
    task_name: Line
    run_id: Line
    scheduled_for: UtcTime
    attempts: Count
    reason: Line = ""
    response_status: int | None = None
    link: Link | None = None


class TaskPausedData(MailData):
    """A task that paused itself after `failures` failed slots in a row."""

    task_id: Line
    task_name: Line
    failures: Count
    paused_at: UtcTime
    link: Link | None = None


DATA: Mapping[Template, type[MailData]] = {
    Template.WELCOME: WelcomeData,
    Template.VERIFICATION: VerificationData,
    Template.RESET: ResetData,
    Template.PASSWORD_CHANGED: PasswordChangedData,
    Template.NEW_SIGN_IN: NewSignInData,
    Template.WEEKLY_SUMMARY: WeeklySummaryData,
    Template.MONTHLY_REPORT: MonthlyReportData,
    Template.EXPORT_READY: ExportReadyData,
    Template.TASK_FAILED: TaskFailedData,
    Template.TASK_PAUSED: TaskPausedData,
}


def with_links(data: Data, url: str) -> Data:
    """Return the data with its link as an address; `url` is the product's, without a slash."""
    link = getattr(data, "link", None)
    if link is None or not link.startswith("/"):
        return data
    return data.model_copy(update={"link": url + link})


def read_data(template: str, data: Mapping[str, Any]) -> tuple[Template, MailData]:
    """Return the template and its data.

    Raises:
        BadMailDataError: there is no such template, or the data does not fit it; values are not in
            the message.
    """
    try:
        found = Template(template)
    except ValueError as error:
        known = ", ".join(Template)
        raise BadMailDataError(f"There is no such template; there are {known}.") from error
    try:
        return found, DATA[found].model_validate(dict(data))
    except ValidationError as error:
        faults = [
            FieldError(field=".".join(map(str, e["loc"])), message=e["msg"])
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        names = ", ".join(dict.fromkeys(f.field for f in faults))
        raise BadMailDataError(
            f"The data of {found.value} is not right: {names}.", errors=faults
        ) from None
