"""The routes of the audit log."""

import json
from dataclasses import replace
from urllib.parse import urlencode

from nightshift.audit.model import AuditEvent, Wanted
from nightshift.audit.schemas import AuditEventOut, AuditPage, AuditQuery
from nightshift.audit.service import PAGE, Audit
from nightshift.core.access import Permission
from nightshift.core.clock import rfc3339
from nightshift.core.csv_cells import line
from nightshift.core.errors import ForbiddenError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody

MAX_EXPORT_ROWS = 10_000
MAX_EXPORT_BYTES = 4_000_000
"""Where one file ends; Lambda hands back 6 MB at most, base64 included."""
CSV_TYPE = "text/csv; charset=utf-8; header=present"
COLUMNS = ("at", "id", "action", "outcome", "actor_id", "subject", "address", "detail")

router: Router[Audit] = Router(tag="Audit")


@router.route("GET", "/audit", Permission.AUDIT_READ, query=AuditQuery, answer=AuditPage)
def list_audit(audit: Audit, request: Request[NoBody, AuditQuery]) -> Reply:
    """List what was done, newest first.

    One's own events: what one did, and what was done to one's account. With `audit:read-all`
    everybody's.
    """
    wanted = _wanted(request)
    events, after = audit.page(wanted, after=_position(request), limit=request.query.limit)
    items = [AuditEventOut.of(_shown(event, wanted)) for event in events]
    return Reply(body=AuditPage(items=items, next_cursor=_cursor(request, after)))


@router.route(
    "GET", "/audit/export.csv", Permission.AUDIT_READ, query=AuditQuery, content_type=CSV_TYPE
)
def export_audit(audit: Audit, request: Request[NoBody, AuditQuery]) -> Reply:
    """Get the same events as a CSV file.

    A file ends after 10,000 events or 4 MB; `limit` has no effect. When there are more, the header
    `link` names the next file with `rel="next"`. No cell is one that a spreadsheet would run.
    """
    wanted = _wanted(request)
    lines, size = [line(COLUMNS)], 0
    after = _position(request)
    while len(lines) <= MAX_EXPORT_ROWS and size < MAX_EXPORT_BYTES:
        left = MAX_EXPORT_ROWS + 1 - len(lines)
        events, after = audit.page(wanted, after=after, limit=min(PAGE, left))
        fresh = [_row(_shown(event, wanted)) for event in events]
        size += sum(len(row.encode()) for row in fresh)
        lines += fresh
        if after is None:
            break
    headers = {"content-disposition": 'attachment; filename="audit.csv"'}
    cursor = _cursor(request, after)
    if cursor is not None:
        headers["link"] = f'<{_next_url(request, cursor)}>; rel="next"'
    return Reply(body="".join(lines), content_type=CSV_TYPE, headers=headers)


def _wanted(request: Request[NoBody, AuditQuery]) -> Wanted:
    """Return what is asked for, within what the caller may see."""
    query, caller = request.query, request.caller
    wanted = Wanted(actor=query.actor, action=query.action, since=query.since, until=query.until)
    if Permission.AUDIT_READ_ALL in caller.permissions:
        return wanted
    if query.actor not in {None, caller.user_id}:
        raise ForbiddenError(f"What others did takes the permission {Permission.AUDIT_READ_ALL}.")
    return replace(wanted, person=caller.user_id)


def _shown(event: AuditEvent, wanted: Wanted) -> AuditEvent:
    """Keep from a user where the administrator sat who did something to the account."""
    if wanted.person is None or event.actor_id in {None, wanted.person}:
        return event
    return replace(event, address=None)


def _position(request: Request[NoBody, AuditQuery]) -> str | None:
    position = request.position()
    return str(position["after"]) if position else None


def _cursor(request: Request[NoBody, AuditQuery], after: str | None) -> str | None:
    return request.next_cursor({"after": after} if after else None)


def _next_url(request: Request[NoBody, AuditQuery], cursor: str) -> str:
    query = request.query.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return f"{request.route}?{urlencode(query | {'cursor': cursor})}"


def _row(event: AuditEvent) -> str:
    detail = json.dumps(event.detail, ensure_ascii=False) if event.detail else ""
    return line(
        (
            rfc3339(event.at),
            event.event_id,
            event.action,
            event.outcome.value,
            event.actor_id,
            event.subject,
            event.address,
            detail,
        )
    )
