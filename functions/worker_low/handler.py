"""Entry point: jobs that nobody waits for, from the queue `low`."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.batch import run_batch
    from nightshift.jobs.entry import LambdaContext
    from nightshift.observability import get_log
    from nightshift.work_wiring import get_machine


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do the jobs of a batch; answer the messages to be delivered again."""
    return run_batch(event, context, machine=get_machine(), log=get_log())
