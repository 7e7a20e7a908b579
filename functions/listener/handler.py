"""Entry point: runs that are due and other short calls, from the queue `critical`."""

from typing import Any

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.jobs.batch import run_batch
    from nightshift.jobs.entry import LambdaContext
    from nightshift.observability import get_log
    from nightshift.tasks.wiring import get_context


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call the webhooks of a batch; answer the messages to be delivered again."""
    return run_batch(event, context, machine=get_context().machine, log=get_log())
