"""Inputs and answers of the settings' routes."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from nightshift.http.schemas import ApiModel, printable
from nightshift.settings.model import (
    PUBLIC,
    HourClock,
    ServerSettings,
    Theme,
    UserSettings,
    Weekday,
)

MAX_KEY_DAYS = 3_650
MAX_NAME_CHARS = 60
MAX_EMAIL_CHARS = 254
_BACK = " null sets it back to the default."


ProductName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS),
    AfterValidator(printable),
]
SupportEmail = Annotated[
    str,
    StringConstraints(max_length=MAX_EMAIL_CHARS, pattern=r"^[^@\s<>\"',;:]+@[^@\s<>\"',;:]+$"),
    AfterValidator(printable),
]
KeyDays = Annotated[int, Field(ge=1, le=MAX_KEY_DAYS)]
PageSize = Annotated[int, Field(ge=10, le=100)]


class ServerSettingsPatch(ApiModel):
    """What of the server's settings is to change; what is left out stays."""

    registration_open: bool | None = Field(
        default=None, description="Whether anybody may make an account." + _BACK
    )
    require_verified_email: bool | None = Field(
        default=None,
        description="Whether webhooks and scheduled tasks take a verified address." + _BACK,
    )
    api_key_max_days: KeyDays | None = Field(
        default=None, description="How long a new API key may live at most; null is for ever."
    )
    product_name: ProductName | None = Field(
        default=None, description="How the product calls itself." + _BACK
    )
    support_email: SupportEmail | None = Field(
        default=None, description="Whom users may write to; null is nobody."
    )


class ServerSettingsOut(ApiModel):
    """The server's settings."""

    registration_open: bool
    require_verified_email: bool
    api_key_max_days: int | None
    product_name: str
    support_email: str | None
    version: int

    @classmethod
    def of(cls, settings: ServerSettings, version: int) -> Self:
        """Return the settings as administrators see them."""
        return cls(**asdict(settings), version=version)


class PublicSettingsOut(ApiModel):
    """What of the server's settings anybody may read."""

    registration_open: bool
    require_verified_email: bool
    product_name: str
    support_email: str | None

    @classmethod
    def of(cls, settings: ServerSettings) -> Self:
        """Return the settings as anybody sees them."""
        return cls(**{name: value for name, value in asdict(settings).items() if name in PUBLIC})


class UserSettingsPatch(ApiModel):
    """What of one's own settings is to change; what is left out stays, null is the default."""

    theme: Theme | None = Field(default=None, description="How the console looks.")
    week_starts_on: Weekday | None = Field(default=None, description="With which day weeks begin.")
    hour_clock: HourClock | None = Field(default=None, description="How times of day are written.")
    items_per_page: PageSize | None = Field(
        default=None, description="How many lines a list shows."
    )


class UserSettingsOut(ApiModel):
    """A user's settings."""

    theme: Theme
    week_starts_on: Weekday
    hour_clock: HourClock
    items_per_page: int
    version: int

    @classmethod
    def of(cls, settings: UserSettings, version: int) -> Self:
        """Return the settings as the user sees them."""
        return cls(
            theme=Theme(settings.theme),
            week_starts_on=Weekday(settings.week_starts_on),
            hour_clock=HourClock(settings.hour_clock),
            items_per_page=settings.items_per_page,
            version=version,
        )
