"""Entry point: bounces and complaints that SES tells of."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.email.events_wiring import get_mail_events


def handler(event: dict[str, Any], _context: object) -> None:
    """Act on one event."""
    get_mail_events().take(event)
