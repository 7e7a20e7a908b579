"""The routes of runs and their logs."""

from nightshift.core.access import Permission
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.tasks.api import BY_KEY
from nightshift.tasks.errors import (
    RunNotEndedError,
    RunNotFoundError,
    RunNotOpenError,
    TaskBusyError,
    TaskNotFoundError,
)
from nightshift.tasks.runs_schemas import (
    LogOut,
    LogPage,
    RunOut,
    RunPage,
)
from nightshift.tasks.wiring import Context

router: Router[Context] = Router(tag="Runs")


def _task_id(nightshift: Context, request: Request[NoBody, PageQuery]) -> str:
    return nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])


@router.route(
    "GET",
    "/tasks/{task_id}/runs",
    Permission.TASKS_READ,
    query=PageQuery,
    answer=RunPage,
    path_params=BY_KEY,
    errors=(TaskNotFoundError,),
)
def list_runs(nightshift: Context, request: Request[NoBody, PageQuery]) -> Reply:
    """List a task's runs, newest first."""
    position = request.position()
    views, after = nightshift.tasks.runs.page(
        _task_id(nightshift, request),
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
    entries, after = nightshift.tasks.runs.log_page(
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
    errors=(TaskNotFoundError, RunNotFoundError),
)
def get_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Get one run."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    return Reply(body=RunOut.of(nightshift.tasks.runs.get(task_id, request.path["run_id"])))


@router.route(
    "GET",
    "/tasks/{task_id}/runs/{run_id}/logs",
    Permission.TASKS_READ,
    answer=LogPage,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, RunNotFoundError),
)
def get_run_logs(nightshift: Context, request: Request[NoBody]) -> Reply:
    """List the attempts of one run, oldest first."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    view = nightshift.tasks.runs.get(task_id, request.path["run_id"])
    attempts = nightshift.tasks.runs.attempts(task_id, view.ref.job_id)
    return Reply(body=LogPage(items=[LogOut.of(view, a) for a in attempts], next_cursor=None))


@router.route(
    "POST",
    "/tasks/{task_id}/runs/{run_id}/cancel",
    Permission.TASKS_WRITE,
    answer=RunOut,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, RunNotFoundError, RunNotOpenError),
)
def cancel_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Cancel an open run; a call that is under way is not interrupted, but its answer is void."""
    task_id = nightshift.tasks.get_id(request.caller.user_id, request.path["task_id"])
    return Reply(body=RunOut.of(nightshift.tasks.runs.cancel(task_id, request.path["run_id"])))


@router.route(
    "POST",
    "/tasks/{task_id}/runs/{run_id}/retry",
    Permission.TASKS_WRITE,
    answer=RunOut,
    status=202,
    idempotent=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, RunNotFoundError, RunNotEndedError, TaskBusyError),
)
def retry_run(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Try an ended run again, with a new series of retries, whether the task is paused or not."""
    view = nightshift.tasks.retry_run(
        request.caller.user_id, request.path["task_id"], request.path["run_id"]
    )
    return Reply(body=RunOut.of(view))
