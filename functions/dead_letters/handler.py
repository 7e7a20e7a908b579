"""Entry point: runs that failed too often, from the dead-letter queue."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.entry import bury_batch
    from nightshift.observability import get_log
    from nightshift.tasks.wiring import get_context


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Keep the dead letters of a batch; answer those that could not be kept."""
    return bury_batch(event, letters=get_context().dead_letters, log=get_log())
