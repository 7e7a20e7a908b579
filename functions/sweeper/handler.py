"""Entry point: each minute, find what was claimed and is not done."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.entry import LambdaContext, run_sweep
    from nightshift.observability import get_log
    from nightshift.work_wiring import get_machine


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Run one sweep."""
    machine = get_machine()
    run_sweep(context, sweeper=machine.sweeper(), clock=machine.parts.clock, log=get_log())
