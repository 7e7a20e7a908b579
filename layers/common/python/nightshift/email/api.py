"""The routes of mail: addresses that are not written to, one's own, and leaving by one click."""

from collections.abc import Mapping

from pydantic import Field

from nightshift.core.access import Permission
from nightshift.core.clock import from_ms, to_ms
from nightshift.core.errors import NotFoundError
from nightshift.email.addresses import read_address
from nightshift.email.errors import (
    BadAddressError,
    SuppressionNotFoundError,
    UnsubscribeTokenError,
)
from nightshift.email.model import Suppression, SuppressionReason
from nightshift.email.pages import POLICY, asking_page, done_page
from nightshift.email.wiring import EmailContext
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, PathParam, Router
from nightshift.http.schemas import ApiModel, NoBody, PageQuery, QueryModel, UtcTime

HTML = "text/html"
MAX_TOKEN_CHARS = 400
MAX_EMAIL_CHARS = 254
_ID = PathParam(pattern="[0-9a-f]{64}", doc="The entry's id.", example="9f86d081" * 8)


class SuppressionQuery(PageQuery):
    """A page, or the entry of one address."""

    email: str | None = Field(
        default=None, max_length=MAX_EMAIL_CHARS, description="Only the entry of this address."
    )


class SuppressionOut(ApiModel):
    """An address that is not written to."""

    id: str
    email: str
    reason: SuppressionReason
    detail: str = Field(description="What the receiving server said, as far as it is known.")
    since: UtcTime


class SuppressionPage(ApiModel):
    """A page of addresses, the latest first."""

    items: list[SuppressionOut]
    next_cursor: str | None


class MailStatusOut(ApiModel):
    """Whether mail gets through to one's own address."""

    email: str
    deliverable: bool = Field(description="False once mail to it bounced or was complained about.")
    reason: SuppressionReason | None
    since: UtcTime | None


class TokenQuery(QueryModel):
    """What a link to unsubscribe carries."""

    token: str = Field(min_length=1, max_length=MAX_TOKEN_CHARS)


router: Router[EmailContext] = Router(tag="Email")


@router.route(
    "GET",
    "/email/suppressions",
    Permission.SUPPRESSIONS_READ,
    query=SuppressionQuery,
    answer=SuppressionPage,
    errors=(BadAddressError,),
)
def list_suppressions(email: EmailContext, request: Request[NoBody, SuppressionQuery]) -> Reply:
    """List the addresses that are not written to, the latest first.

    An address gets here when mail to it bounced for good, or its owner complained.
    """
    if request.query.email is not None:
        found = email.suppressions.find(read_address(request.query.email))
        return Reply(body=SuppressionPage(items=[_out(found)] if found else [], next_cursor=None))
    position = request.position()
    after = (from_ms(int(position["since_ms"])), str(position["id"])) if position else None
    items, last = email.suppressions.page(after=after, limit=request.query.limit)
    following: Mapping[str, str | int] | None = (
        {"since_ms": to_ms(last[0]), "id": last[1]} if last else None
    )
    return Reply(
        body=SuppressionPage(
            items=[_out(one) for one in items], next_cursor=request.next_cursor(following)
        )
    )


@router.route(
    "DELETE",
    "/email/suppressions/{suppression_id}",
    Permission.SUPPRESSIONS_WRITE,
    status=204,
    path_params={"suppression_id": _ID},
    errors=(SuppressionNotFoundError,),
)
def remove_suppression(email: EmailContext, request: Request) -> Reply:
    """Let an address be written to again.

    SES keeps a list of its own for the whole account; an address that is there, too, has to be
    taken off that one by hand.
    """
    email.suppressions.remove(request.path["suppression_id"])
    return Reply()


@router.route("GET", "/email/status", Permission.PROFILE_READ, answer=MailStatusOut)
def get_mail_status(email: EmailContext, request: Request) -> Reply:
    """Read whether mail gets through to one's own address."""
    reader = email.readers.find(request.caller.user_id)
    if reader is None:
        raise NotFoundError
    found = email.suppressions.find(read_address(reader.email))
    return Reply(
        body=MailStatusOut(
            email=reader.email,
            deliverable=found is None,
            reason=found.reason if found else None,
            since=found.since if found else None,
        )
    )


@router.route(
    "GET",
    "/email/unsubscribe",
    PUBLIC,
    query=TokenQuery,
    content_type=HTML,
    errors=(UnsubscribeTokenError,),
)
def ask_to_unsubscribe(email: EmailContext, request: Request[NoBody, TokenQuery]) -> Reply:
    """See what a link in a mail would unsubscribe from, and confirm it.

    Reading changes nothing: programs that look at every link in a mail must not unsubscribe.
    """
    asked = email.unsubscriber.read(request.query.token)
    return _page(asking_page(asked.category))


@router.route(
    "POST",
    "/email/unsubscribe",
    PUBLIC,
    query=TokenQuery,
    content_type=HTML,
    any_body=True,
    errors=(UnsubscribeTokenError,),
)
def unsubscribe(email: EmailContext, request: Request[NoBody, TokenQuery]) -> Reply:
    """Unsubscribe by one click (RFC 8058); doing it again changes nothing."""
    asked = email.unsubscriber.stop(request.query.token)
    return _page(done_page(asked.category))


def _page(text: str) -> Reply:
    headers = {"content-security-policy": POLICY}
    return Reply(body=text, headers=headers, content_type=f"{HTML}; charset=utf-8")


def _out(one: Suppression) -> SuppressionOut:
    return SuppressionOut(
        id=one.id, email=one.email, reason=one.reason, detail=one.detail, since=one.since
    )
