"""The routes of one's own sessions."""

from nightshift.core.access import Permission, SessionId
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.identity.edge import actor_of
from nightshift.identity.errors import SessionNotFoundError
from nightshift.identity.schemas import SessionOut, SessionPage
from nightshift.identity.sessions import Sessions

router: Router[Sessions] = Router(tag="Sessions")


@router.route("GET", "/sessions", Permission.SESSIONS_READ, query=PageQuery, answer=SessionPage)
def list_sessions(sessions: Sessions, request: Request[NoBody, PageQuery]) -> Reply:
    """List one's own live sessions, newest first."""
    position = request.position()
    items, last = sessions.page(
        request.caller.user_id,
        limit=request.query.limit,
        after=SessionId(str(position["session_id"])) if position else None,
    )
    here = request.caller.session_id
    return Reply(
        body=SessionPage(
            items=[SessionOut.of(s, current=s.session_id == here) for s in items],
            next_cursor=request.next_cursor({"session_id": last} if last else None),
        )
    )


@router.route(
    "DELETE",
    "/sessions/{session_id}",
    Permission.SESSIONS_WRITE,
    status=204,
    errors=(SessionNotFoundError,),
)
def end_session(sessions: Sessions, request: Request) -> Reply:
    """End one of one's own sessions."""
    sessions.end(actor_of(request), SessionId(request.path["session_id"]))
    return Reply()
