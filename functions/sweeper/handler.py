"""Entry point: each minute, find what was claimed and is not done."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.entry import LambdaContext, run_sweep
    from nightshift.observability import get_log
    from nightshift.tasks.wiring import get_context


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Run one sweep."""
    nightshift = get_context()
    run_sweep(context, sweeper=nightshift.sweeper, clock=nightshift.clock, log=get_log())
