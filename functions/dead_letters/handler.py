"""Entry point: every few minutes, keep what lies in the dead-letter queues."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.entry import LambdaContext, drain_dead
    from nightshift.observability import get_log
    from nightshift.work_wiring import get_dead_queues, get_machine


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Drain the dead-letter queues of all queues."""
    machine = get_machine()
    drain_dead(
        context,
        queues=get_dead_queues(),
        letters=machine.dead_letters(),
        clock=machine.parts.clock,
        log=get_log(),
    )
