"""The settings there are, with their defaults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

Values = Mapping[str, Any]
S = TypeVar("S", bound="ServerSettings | UserSettings")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """What administrators decide for everybody.

    Attributes:
        registration_open: whether anybody may make an account.
        require_verified_email: whether webhooks and scheduled tasks take a verified address.
        api_key_max_days: how long an API key may live at most, in days; None is for ever.
        product_name: how the product calls itself in pages and mails.
        support_email: whom users may write to; None is nobody.
    """

    registration_open: bool = True
    require_verified_email: bool = False
    api_key_max_days: int | None = None
    product_name: str = "Nightshift"
    support_email: str | None = None


PUBLIC = frozenset({"product_name", "registration_open", "require_verified_email", "support_email"})
"""What of the server's settings anybody may read, signed in or not."""


class Theme(StrEnum):
    """How the console looks."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Weekday(StrEnum):
    """With which day weeks begin."""

    MONDAY = "monday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class HourClock(StrEnum):
    """How times of day are written."""

    H24 = "24h"
    H12 = "12h"


@dataclass(frozen=True, kw_only=True, slots=True)
class UserSettings:
    """How a user wants the console. Time zone, language and mails are preferences of the user."""

    theme: Theme = Theme.SYSTEM
    week_starts_on: Weekday = Weekday.MONDAY
    hour_clock: HourClock = HourClock.H24
    items_per_page: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What was set, and how often; whatever was never set, or set back, is not among `values`."""

    values: Values
    version: int


NOTHING_SET = Stored(values={}, version=0)


def effective(model: type[S], values: Values) -> S:
    """Return the settings that `values` and the defaults make; what is unknown is left out."""
    known = {field.name for field in fields(model)}
    return model(**{name: value for name, value in values.items() if name in known})


def changed(model: type[S], values: Values, changes: Values) -> dict[str, Any]:
    """Return `values` with `changes`; None, and what is the default, is not kept."""
    defaults = asdict(model())
    merged = {**values, **changes}
    return {
        name: value
        for name, value in merged.items()
        if value is not None and value != defaults.get(name)
    }
