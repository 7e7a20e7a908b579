"""The routes of runs, their logs and dead letters."""

from typing import TypeVar

from nightshift.core.access import Permission
from nightshift.core.clock import from_ms
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery, QueryModel
from nightshift.jobs.dead import DeadLetter
from nightshift.jobs.errors import (
    DeadLetterNotFoundError,
    JobNotEndedError,
    JobNotFoundError,
    JobNotOpenError,
)
from nightshift.tasks.api import BY_KEY
from nightshift.tasks.errors import TaskBusyError, TaskNotFoundError
from nightshift.tasks.model import TaskId
from nightshift.tasks.refs import task_of
from nightshift.tasks.runs_schemas import (
    DeadLetterOut,
    DeadLetterPage,
    LogOut,
    LogPage,
    RedriveIn,
    RedriveOut,
    RunOut,
    RunPage,
    RunsQuery,
)
from nightshift.tasks.wiring import Context

Q = TypeVar("Q", bound=QueryModel)

router: Router[Context] = Router(tag="Runs")


def _task_id(nightshift: Context, request: Request[NoBody, Q]) -> TaskId:
    return nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])


@router.route(
    "GET",
    "/tasks/{task_id}/runs",
    Permission.TASKS_READ,
    query=RunsQuery,
    answer=RunPage,
    path_params=BY_KEY,
    errors=(TaskNotFoundError,),
)
def list_runs(nightshift: Context, request: Request[NoBody, RunsQuery]) -> Reply:
    """List a task's runs, newest slot first, backfilled ones among them.

    With `trigger`, a page may hold fewer runs than `limit` although more follow.
    """
    position = request.position()
    views, after = nightshift.runs.page(
        _task_id(nightshift, request),
        trigger=request.query.trigger,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=RunPage(items=[RunOut.of(v) for v in views], next_cursor=cursor))


@router.route(
    "GET",
    "/tasks/{task_id}/logs",
    Permission.TASKS_READ,
    query=PageQuery,
    answer=LogPage,
    path_params=BY_KEY,
    errors=(TaskNotFoundError,),
)
def list_logs(nightshift: Context, request: Request[NoBody, PageQuery]) -> Reply:
    """List the attempts of a task's runs, newest first."""
    position = request.position()
    entries, after = nightshift.runs.log_page(
        _task_id(nightshift, request),
        start_after=(str(position["run"]), int(position["attempt"])) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"run": after[0], "attempt": after[1]} if after else None)
    items = [LogOut.of(view, attempt) for view, attempt in entries]
    return Reply(body=LogPage(items=items, next_cursor=cursor))


@router.route(
    "GET",
    "/tasks/{task_id}/runs/{run_id}",
    Permission.TASKS_READ,
    answer=RunOut,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, JobNotFoundError),
)
def get_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Get one run."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    return Reply(body=RunOut.of(nightshift.runs.get(task_id, request.path["run_id"])))


@router.route(
    "GET",
    "/tasks/{task_id}/runs/{run_id}/logs",
    Permission.TASKS_READ,
    answer=LogPage,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, JobNotFoundError),
)
def get_run_logs(nightshift: Context, request: Request[NoBody]) -> Reply:
    """List the attempts of one run, oldest first."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    view = nightshift.runs.get(task_id, request.path["run_id"])
    items = [LogOut.of(view, attempt) for attempt in nightshift.runs.attempts(view)]
    return Reply(body=LogPage(items=items, next_cursor=None))


@router.route(
    "POST",
    "/tasks/{task_id}/runs/{run_id}/cancel",
    Permission.TASKS_WRITE,
    answer=RunOut,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, JobNotFoundError, JobNotOpenError),
)
def cancel_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Cancel an open run; a call that is under way is not interrupted, but its answer is void."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    return Reply(body=RunOut.of(nightshift.runs.cancel(task_id, request.path["run_id"])))


@router.route(
    "POST",
    "/tasks/{task_id}/runs/{run_id}/retry",
    Permission.TASKS_WRITE,
    answer=RunOut,
    status=202,
    idempotent=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, JobNotFoundError, JobNotEndedError, TaskBusyError),
)
def retry_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Try an ended run again, with a new series of retries, whether the task is paused or not."""
    view = nightshift.runs.retry(
        request.caller.user_id, request.path["task_id"], request.path["run_id"]
    )
    return Reply(body=RunOut.of(view))


@router.route("GET", "/dead-letters", Permission.JOBS_READ, query=PageQuery, answer=DeadLetterPage)
def list_dead_letters(nightshift: Context, request: Request[NoBody, PageQuery]) -> Reply:
    """List the caller's dead letters: messages that no worker could finish."""
    position = request.position()
    letters, after = nightshift.dead_letters.page(
        request.caller.user_id,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=DeadLetterPage(items=[_letter(x) for x in letters], next_cursor=cursor))


def _letter(letter: DeadLetter) -> DeadLetterOut:
    ref = letter.ref
    return DeadLetterOut(
        id=letter.id,
        task_id=task_of(ref) if ref else "",
        run_id=ref.job_id if ref else "",
        scheduled_for=ref.due_at if ref else from_ms(letter.died_ms),
        attempt=letter.attempt,
        reason=letter.reason,
        died_at=from_ms(letter.died_ms),
    )


@router.route(
    "POST",
    "/dead-letters/{letter_id}/redrive",
    Permission.JOBS_WRITE,
    answer=RedriveOut,
    status=202,
    idempotent=True,
    errors=(DeadLetterNotFoundError, JobNotFoundError),
)
def redrive_dead_letter(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Try a dead letter's run again."""
    ref = nightshift.dead_letters.redrive(request.caller.user_id, request.path["letter_id"])
    return Reply(body=RedriveOut(run_ids=[ref.job_id]))


@router.route(
    "POST",
    "/dead-letters/redrive",
    Permission.JOBS_WRITE,
    body=RedriveIn,
    answer=RedriveOut,
    status=202,
    idempotent=True,
    errors=(JobNotFoundError,),
)
def redrive_dead_letters(nightshift: Context, request: Request[RedriveIn]) -> Reply:
    """Try all dead letters again, or those of one task."""
    refs = nightshift.dead_letters.redrive_all(
        request.caller.user_id, subject=request.body.task_id, limit=request.body.limit
    )
    return Reply(body=RedriveOut(run_ids=[ref.job_id for ref in refs]))
