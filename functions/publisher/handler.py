"""Entry point: each minute, queue what falls due."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.entry import LambdaContext, run_tick
    from nightshift.observability import get_log
    from nightshift.tasks.wiring import get_context


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Run one tick."""
    nightshift = get_context()
    run_tick(context, ticker=nightshift.ticker, clock=nightshift.clock, log=get_log())
