"""The routes of tasks."""

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import ID_PATTERN, PathParam, Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.outbound.errors import InvalidHeadersError, InvalidWebhookUrlError
from nightshift.tasks.checks import read_schedule
from nightshift.tasks.errors import (
    ScheduleInPastError,
    TaskBusyError,
    TaskChangedError,
    TaskKeyTakenError,
    TaskNotFoundError,
    TaskVersionError,
)
from nightshift.tasks.model import TaskView
from nightshift.tasks.runs_schemas import RunStarted
from nightshift.tasks.schedule import InvalidScheduleError, InvalidTimezoneError
from nightshift.tasks.schemas import (
    NEXT_RUNS_SHOWN,
    PreviewOut,
    PreviewQuery,
    TaskIn,
    TaskOut,
    TaskPage,
    TaskPatch,
)
from nightshift.tasks.wiring import Context

KEY = PathParam(
    pattern=f"(?:{ID_PATTERN}|[A-Za-z0-9][A-Za-z0-9._~-]{{0,127}})",
    doc="The task's id, or the caller's own key: 1 to 128 letters, digits, `.`, `_`, `~` or `-`.",
    example="nightly-sync",
)
BY_KEY = {"task_id": KEY}
_INPUT_ERRORS: tuple[type[NightshiftError], ...] = (
    InvalidScheduleError,
    InvalidTimezoneError,
    ScheduleInPastError,
    InvalidWebhookUrlError,
    InvalidHeadersError,
)
_RACE_ERRORS: tuple[type[NightshiftError], ...] = (TaskVersionError, TaskChangedError)

router: Router[Context] = Router(tag="Tasks")


def task_out(nightshift: Context, view: TaskView) -> TaskOut:
    """Return the answer for a task as it stands now."""
    return TaskOut.of(view, view.task.next_runs(nightshift.clock.now(), NEXT_RUNS_SHOWN))


def _reply(nightshift: Context, view: TaskView, status: int | None = None) -> Reply:
    return Reply(
        body=task_out(nightshift, view),
        version=view.task.version,
        status=status,
        headers={"location": f"/api/v1/tasks/{view.task.id}"} if status else {},
    )


@router.route(
    "POST",
    "/tasks",
    Permission.TASKS_WRITE,
    verified=True,
    body=TaskIn,
    answer=TaskOut,
    status=201,
    idempotent=True,
    etag=True,
    errors=_INPUT_ERRORS,
)
def create_task(nightshift: Context, request: Request[TaskIn]) -> Reply:
    """Create a task.

    Its schedule is in force from now on.
    """
    view = nightshift.tasks.create(
        request.caller.user_id, request.body.definition(), task_id=request.new_id()
    )
    return _reply(nightshift, view, status=201)


@router.route("GET", "/tasks", Permission.TASKS_READ, query=PageQuery, answer=TaskPage)
def list_tasks(nightshift: Context, request: Request[NoBody, PageQuery]) -> Reply:
    """List the caller's tasks, newest first."""
    position = request.position()
    views, after = nightshift.tasks.page(
        request.caller.user_id,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=TaskPage(items=[task_out(nightshift, v) for v in views], next_cursor=cursor))


@router.route(
    "GET",
    "/tasks/preview",
    Permission.TASKS_READ,
    query=PreviewQuery,
    answer=PreviewOut,
    errors=(InvalidScheduleError, InvalidTimezoneError),
)
def preview_schedule(nightshift: Context, request: Request[NoBody, PreviewQuery]) -> Reply:
    """Show when a schedule would be due, without storing anything."""
    query = request.query
    now = nightshift.clock.now()
    schedule = read_schedule(query.schedule, query.timezone, now, field="schedule")
    slots = schedule.upcoming(now, query.n)
    return Reply(body=PreviewOut.of(query, slots))


@router.route(
    "GET",
    "/tasks/{task_id}",
    Permission.TASKS_READ,
    answer=TaskOut,
    etag=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError,),
)
def get_task(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Get a task by its id or the caller's own key."""
    view = nightshift.tasks.get(request.caller.user_id, request.path["task_id"])
    return _reply(nightshift, view)


@router.route(
    "PUT",
    "/tasks/{task_id}",
    Permission.TASKS_WRITE,
    verified=True,
    body=TaskIn,
    answer=TaskOut,
    etag=True,
    if_match=True,
    path_params=BY_KEY,
    statuses={201: "Created under the caller's own key."},
    errors=(*_INPUT_ERRORS, TaskNotFoundError, TaskKeyTakenError, *_RACE_ERRORS),
)
def put_task(nightshift: Context, request: Request[TaskIn]) -> Reply:
    """Replace a task, or create it under the caller's own key.

    A key is 1 to 128 letters, digits, `.`, `_`, `~` or `-`. Fields left out get their defaults.
    With `If-Match: *` nothing is created, with `If-None-Match: *` nothing is replaced.
    """
    view, created = nightshift.tasks.put(
        request.caller.user_id,
        request.path["task_id"],
        request.body.definition(),
        expected=request.expected_version(),
        only_existing=request.only_existing,
        only_new=request.only_new,
    )
    return _reply(nightshift, view, status=201 if created else None)


@router.route(
    "PATCH",
    "/tasks/{task_id}",
    Permission.TASKS_WRITE,
    body=TaskPatch,
    answer=TaskOut,
    etag=True,
    if_match=True,
    path_params=BY_KEY,
    errors=(*_INPUT_ERRORS, TaskNotFoundError, *_RACE_ERRORS),
)
def patch_task(nightshift: Context, request: Request[TaskPatch]) -> Reply:
    """Change some fields of a task; `retry` and `headers` are replaced whole."""
    view = nightshift.tasks.amend(
        request.caller.user_id,
        request.path["task_id"],
        request.body.amended,
        expected=request.expected_version(),
    )
    return _reply(nightshift, view)


@router.route(
    "DELETE",
    "/tasks/{task_id}",
    Permission.TASKS_WRITE,
    status=204,
    if_match=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, *_RACE_ERRORS),
)
def delete_task(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Delete a task; a call under way ends as it ends."""
    nightshift.tasks.delete(
        request.caller.user_id, request.path["task_id"], expected=request.expected_version()
    )
    return Reply()


@router.route(
    "POST",
    "/tasks/{task_id}/run",
    Permission.TASKS_WRITE,
    answer=RunStarted,
    status=202,
    idempotent=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, TaskBusyError),
)
def run_task(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Run a task now, paused or not."""
    ref = nightshift.tasks.run_now(
        request.caller.user_id, request.path["task_id"], run_id=request.new_id()
    )
    return Reply(body=RunStarted(run_id=ref.job_id))


@router.route(
    "POST",
    "/tasks/{task_id}/pause",
    Permission.TASKS_WRITE,
    answer=TaskOut,
    etag=True,
    if_match=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, *_RACE_ERRORS),
)
def pause_task(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Take a task's schedule out of force; retries that wait are cancelled."""
    view = nightshift.tasks.pause(
        request.caller.user_id,
        request.path["task_id"],
        reason="requested",
        expected=request.expected_version(),
    )
    return _reply(nightshift, view)


@router.route(
    "POST",
    "/tasks/{task_id}/resume",
    Permission.TASKS_WRITE,
    answer=TaskOut,
    etag=True,
    if_match=True,
    path_params=BY_KEY,
    errors=(TaskNotFoundError, *_RACE_ERRORS),
)
def resume_task(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Put a task's schedule into force again, from now on."""
    view = nightshift.tasks.resume(
        request.caller.user_id, request.path["task_id"], expected=request.expected_version()
    )
    return _reply(nightshift, view)
