"""The routes of memos."""

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.jobs.errors import QueueFullError
from nightshift.memos.errors import (
    MemoChangedError,
    MemoNotFoundError,
    MemoVersionError,
    TextTooLongError,
)
from nightshift.memos.model import Memo
from nightshift.memos.schemas import (
    MemoAccepted,
    MemoIn,
    MemoOut,
    MemoPage,
    MemoPatch,
    MemoWithText,
)
from nightshift.memos.wiring import MemosContext

_RACE_ERRORS: tuple[type[NightshiftError], ...] = (MemoVersionError, MemoChangedError)

router: Router[MemosContext] = Router(tag="Memos")


def _accepted(memo: Memo) -> Reply:
    return Reply(
        body=MemoAccepted.of(memo),
        version=memo.version,
        headers={"location": f"/api/v1/memos/{memo.id}"},
    )


@router.route(
    "POST",
    "/memos",
    Permission.MEMOS_WRITE,
    body=MemoIn,
    answer=MemoAccepted,
    status=202,
    idempotent=True,
    etag=True,
    errors=(TextTooLongError, QueueFullError),
)
def create_memo(memos: MemosContext, request: Request[MemoIn]) -> Reply:
    """Write a memo.

    Its cards are made by the job that the answer names; the memo's `status` tells how far it is.
    """
    memo = memos.memos.create(
        request.caller.user_id,
        title=request.body.title,
        text=request.body.text,
        memo_id=request.new_id(),
    )
    return _accepted(memo)


@router.route("GET", "/memos", Permission.MEMOS_READ, query=PageQuery, answer=MemoPage)
def list_memos(memos: MemosContext, request: Request[NoBody, PageQuery]) -> Reply:
    """List the caller's memos, newest first, without their texts."""
    position = request.position()
    found, after = memos.memos.page(
        request.caller.user_id,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=MemoPage(items=[MemoOut.of(m) for m in found], next_cursor=cursor))


@router.route(
    "GET",
    "/memos/{memo_id}",
    Permission.MEMOS_READ,
    answer=MemoWithText,
    etag=True,
    errors=(MemoNotFoundError,),
)
def get_memo(memos: MemosContext, request: Request[NoBody]) -> Reply:
    """Get a memo with its text."""
    memo = memos.memos.get(request.caller.user_id, request.path["memo_id"])
    return _with_text(memos, memo)


def _with_text(memos: MemosContext, memo: Memo) -> Reply:
    text = memos.memos.text(memo).text
    return Reply(body=MemoWithText.with_text(memo, text), version=memo.version)


@router.route(
    "PATCH",
    "/memos/{memo_id}",
    Permission.MEMOS_WRITE,
    body=MemoPatch,
    answer=MemoWithText,
    etag=True,
    if_match=True,
    errors=(MemoNotFoundError, TextTooLongError, QueueFullError, *_RACE_ERRORS),
)
def patch_memo(memos: MemosContext, request: Request[MemoPatch]) -> Reply:
    """Change a memo's title or text.

    Cards are made anew only where `regenerate` asks for it, or where those of the old text are not
    made yet. Cards whose fact is still stated keep their id, edits and reviews; others are removed,
    or marked `stale_source` if they were reviewed or edited.
    """
    memo = memos.memos.amend(
        request.caller.user_id,
        request.path["memo_id"],
        request.body.amendment(),
        expected=request.expected_version(),
    )
    return _with_text(memos, memo)


@router.route(
    "DELETE",
    "/memos/{memo_id}",
    Permission.MEMOS_WRITE,
    status=204,
    if_match=True,
    errors=(MemoNotFoundError, *_RACE_ERRORS),
)
def delete_memo(memos: MemosContext, request: Request[NoBody]) -> Reply:
    """Delete a memo with its cards."""
    memos.memos.delete(
        request.caller.user_id, request.path["memo_id"], expected=request.expected_version()
    )
    return Reply()


@router.route(
    "POST",
    "/memos/{memo_id}/regenerate",
    Permission.MEMOS_WRITE,
    answer=MemoAccepted,
    status=202,
    idempotent=True,
    etag=True,
    errors=(MemoNotFoundError, MemoChangedError, QueueFullError),
)
def regenerate_memo(memos: MemosContext, request: Request[NoBody]) -> Reply:
    """Make a memo's cards anew; while they are being made, the answer is the job that does it."""
    return _accepted(memos.memos.regenerate(request.caller.user_id, request.path["memo_id"]))
