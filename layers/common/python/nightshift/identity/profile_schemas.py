"""What the routes of profiles, preferences, pictures and administration take and answer."""

import re
from collections.abc import Mapping
from functools import cache
from pkgutil import get_data
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nightshift.http.routing import ID_PATTERN
from nightshift.http.schemas import ApiModel, PageQuery, UtcTime
from nightshift.identity.avatars import Invitation
from nightshift.identity.model import Preferences, User
from nightshift.identity.schemas import MAX_EMAIL_CHARS, Email, GivenPassword, UserOut

MAX_ZONE_CHARS = 64
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones that can be chosen."""
    return frozenset((get_data("tzdata", "zones") or b"").decode().split())


def _check_zone(name: str) -> str:
    if name not in zones():
        raise ValueError("A time zone is a name of the IANA database, as in Europe/Berlin")
    return name


def _check_locale(tag: str) -> str:
    if not _LOCALE.fullmatch(tag):
        raise ValueError("A language is a tag as in en, pt-BR or zh-Hant-TW")
    return tag


Zone = Annotated[
    str,
    Field(max_length=MAX_ZONE_CHARS, examples=["Europe/Berlin"]),
    AfterValidator(_check_zone),
]
Locale = Annotated[
    str, Field(max_length=MAX_ZONE_CHARS, examples=["en-GB"]), AfterValidator(_check_locale)
]
PictureType = Literal["image/png", "image/jpeg", "image/webp"]


class MoveIn(ApiModel):
    """Another address, and the password."""

    email: Email
    current_password: GivenPassword


class MailsIn(ApiModel):
    """Which mails are wanted; what is left out stays. Those about security are always sent."""

    weekly_summary: bool | None = None
    monthly_report: bool | None = None
    task_alerts: bool | None = None

    def chosen(self) -> Mapping[str, bool]:
        """Return what was said."""
        return {name: value for name, value in self if value is not None}


class PreferencesIn(ApiModel):
    """One's preferences, whole."""

    time_zone: Zone = Field(default="UTC", description="In which days begin and times are shown.")
    locale: Locale = Field(default="en", description="The language, as RFC 5646 has it.")
    email: MailsIn = Field(default_factory=MailsIn)


class MailsOut(ApiModel):
    """Which mails are wanted."""

    weekly_summary: bool = True
    monthly_report: bool = True
    task_alerts: bool = True


class PreferencesOut(ApiModel):
    """One's preferences."""

    time_zone: str
    locale: str
    email: MailsOut
    updated_at: UtcTime | None
    version: int

    @classmethod
    def of(cls, preferences: Preferences, mails: Mapping[str, bool]) -> "PreferencesOut":
        """Return how preferences are shown."""
        return cls(
            time_zone=preferences.time_zone,
            locale=preferences.locale,
            email=MailsOut(**{k: v for k, v in mails.items() if k in MailsOut.model_fields}),
            updated_at=preferences.updated_at,
            version=preferences.version,
        )


class AvatarIn(ApiModel):
    """What picture is to be uploaded."""

    content_type: PictureType


class FormOut(ApiModel):
    """A form: send `fields` and then the picture as `file` to `url`, as multipart/form-data."""

    upload_id: str = Field(description="For POST /users/me/avatar/complete.")
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: UtcTime

    @classmethod
    def of(cls, invitation: Invitation, max_bytes: int) -> "FormOut":
        """Return how a form is handed out."""
        return cls(
            upload_id=invitation.upload_id,
            url=invitation.form.url,
            fields=dict(invitation.form.fields),
            max_bytes=max_bytes,
            expires_at=invitation.expires_at,
        )


class UploadedIn(ApiModel):
    """What was uploaded."""

    upload_id: str = Field(pattern=f"^{ID_PATTERN}$")


class AvatarOut(ApiModel):
    """Where a picture can be seen, for a while."""

    url: str
    content_type: str
    width: int
    height: int
    expires_at: UtcTime


class UsersQuery(PageQuery):
    """Which users."""

    email: str = Field(
        default="", max_length=MAX_EMAIL_CHARS, description="How the address begins."
    )


class ManagedUserOut(UserOut):
    """A user as administrators see it."""

    disabled: bool

    @classmethod
    def of(cls, user: User) -> "ManagedUserOut":
        """Return how a user is shown."""
        return cls(**UserOut.of(user).model_dump(), disabled=user.disabled)


class UserPage(ApiModel):
    """A page of users, by address."""

    items: list[ManagedUserOut]
    next_cursor: str | None
