"""Entry point: the stand-in of GitHub of the local stack."""

from typing import Any

from nightshift.github_stand_in.wiring import answer


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one event of the HTTP API; see `nightshift.github_stand_in.service`."""
    return answer(event)
