"""Entry point: the dummy webhook of the local stack."""

from typing import Any

from nightshift.dummy.wiring import dummy_webhook


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one event of the HTTP API; see `nightshift.dummy.webhook`."""
    return dummy_webhook().answer(event)
