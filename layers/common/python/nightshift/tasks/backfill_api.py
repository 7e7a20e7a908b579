"""The route of backfills."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.jobs.errors import QueueFullError
from nightshift.tasks.api import BY_KEY
from nightshift.tasks.backfill_schemas import BackfillIn, BackfillOut
from nightshift.tasks.errors import (
    BackfillRangeError,
    NothingToBackfillError,
    TaskNotFoundError,
)
from nightshift.tasks.wiring import Context

router: Router[Context] = Router(tag="Runs")


@router.route(
    "POST",
    "/tasks/{task_id}/backfill",
    Permission.TASKS_WRITE,
    body=BackfillIn,
    answer=BackfillOut,
    status=202,
    statuses={200: "What a dry run found."},
    idempotent=True,
    path_params=BY_KEY,
    errors=(
        TaskNotFoundError,
        NothingToBackfillError,
        BackfillRangeError,
        QueueFullError,
        ConflictError,
    ),
)
def backfill_task(nightshift: Context, request: Request[BackfillIn]) -> Reply:
    """Run a task for slots in the past, paused or not, beside its schedule.

    A job starts the runs, oldest slot first; cancel it to stop those that have not begun. Slots
    that ran successfully, or are open, are skipped. While a backfill of a range is open, asking for
    the same one again answers its job.
    """
    plan = nightshift.backfills.plan(
        request.caller.user_id, request.path["task_id"], request.body.wish()
    )
    if request.body.dry_run:
        return Reply(body=BackfillOut.of(plan, None), status=200)
    job_id = nightshift.backfills.start(plan, job_id=request.new_id())
    return Reply(body=BackfillOut.of(plan, job_id), status=202)
