"""Expected failures of reports."""

from nightshift.core.errors import InvalidInputError


class InvalidPeriodError(InvalidInputError):
    """There is no such period."""
