"""The routes of flow control: an owner's keys, who is held up by them, what is pinned for them."""

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PathParam, Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.tasks.errors import (
    FlowKeyChangedError,
    FlowKeyNotFoundError,
    FlowKeyVersionError,
)
from nightshift.tasks.flow_schemas import KEY_PATTERN, FlowOut, FlowPage, FlowPinIn
from nightshift.tasks.flow_service import FlowView
from nightshift.tasks.wiring import Context

BY_FLOW_KEY = {
    "flow_key": PathParam(
        pattern=KEY_PATTERN,
        doc="A flow-control key; for tasks that name none, the host of their URL.",
        example="api.example.com",
    )
}
_RACE_ERRORS: tuple[type[NightshiftError], ...] = (FlowKeyVersionError, FlowKeyChangedError)

router: Router[Context] = Router(tag="Flow control")


def _reply(view: FlowView) -> Reply:
    return Reply(body=FlowOut.of_view(view), version=view.known.version)


@router.route("GET", "/flow-controls", Permission.TASKS_READ, query=PageQuery, answer=FlowPage)
def list_flow_controls(nightshift: Context, request: Request[NoBody, PageQuery]) -> Reply:
    """List the flow-control keys that the caller's tasks have used, with who waits."""
    position = request.position()
    views, after = nightshift.flow.page(
        request.caller.user_id,
        start_after=str(position["key"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"key": after} if after else None)
    return Reply(body=FlowPage(items=[FlowOut.of_view(v) for v in views], next_cursor=cursor))


@router.route(
    "GET",
    "/flow-controls/{flow_key}",
    Permission.TASKS_READ,
    answer=FlowOut,
    etag=True,
    path_params=BY_FLOW_KEY,
    errors=(FlowKeyNotFoundError,),
)
def get_flow_control(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Get a flow-control key: its pinned limits, whose calls are under way, how many wait."""
    return _reply(nightshift.flow.get(request.caller.user_id, request.path["flow_key"]))


@router.route(
    "PUT",
    "/flow-controls/{flow_key}",
    Permission.TASKS_WRITE,
    body=FlowPinIn,
    answer=FlowOut,
    etag=True,
    if_match=True,
    path_params=BY_FLOW_KEY,
    errors=_RACE_ERRORS,
)
def pin_flow_control(nightshift: Context, request: Request[FlowPinIn]) -> Reply:
    """Pin limits for a key, over those that its tasks say.

    They hold from now on, for runs that wait already, too; who may now start is woken. Starts that
    a slower rate has reserved, up to 15 minutes ahead, stay.
    """
    view = nightshift.flow.pin(
        request.caller.user_id,
        request.path["flow_key"],
        request.body.limits(),
        expected=request.expected_version(),
    )
    return _reply(view)


@router.route(
    "DELETE",
    "/flow-controls/{flow_key}",
    Permission.TASKS_WRITE,
    status=204,
    if_match=True,
    path_params=BY_FLOW_KEY,
    errors=(FlowKeyNotFoundError, *_RACE_ERRORS),
)
def unpin_flow_control(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Unpin a key's limits: those that its tasks say hold again.

    A key for which nothing is pinned leaves the list, until a task that uses it is made or changed.
    """
    nightshift.flow.unpin(
        request.caller.user_id, request.path["flow_key"], expected=request.expected_version()
    )
    return Reply()
