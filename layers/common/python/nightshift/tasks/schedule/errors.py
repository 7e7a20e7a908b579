"""What can be wrong with a schedule."""

from nightshift.core.errors import NightshiftError


class InvalidScheduleError(NightshiftError):
    """The schedule is not valid."""

    slug = "invalid_schedule"
    status = 422


class InvalidTimezoneError(NightshiftError):
    """The time zone is not a name of the IANA time zone database."""

    slug = "invalid_timezone"
    status = 422


def quote(text: str) -> str:
    """Return `text` quoted for a message: ASCII only, cut at 40 characters."""
    limit = 40
    return ascii(text if len(text) <= limit else text[:limit] + "...")
