"""The routes of cards and reviews."""

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.memos.card_schemas import (
    CardIn,
    CardOut,
    CardPage,
    CardPatch,
    CardQuery,
    CardStatsOut,
    NextOut,
    NextQuery,
    PostponeIn,
    ReviewIn,
)
from nightshift.memos.cards import Written
from nightshift.memos.errors import (
    CardChangedError,
    CardNotFoundError,
    CardVersionError,
    InvalidPostponementError,
    MemoNotFoundError,
    TooManyCardsError,
    UnknownTimezoneError,
)
from nightshift.memos.model import Card
from nightshift.memos.wiring import MemosContext

_RACE_ERRORS: tuple[type[NightshiftError], ...] = (CardVersionError, CardChangedError)

router: Router[MemosContext] = Router(tag="Cards")


def _reply(card: Card) -> Reply:
    return Reply(body=CardOut.of(card), version=card.version)


@router.route(
    "GET",
    "/memos/{memo_id}/cards",
    Permission.CARDS_READ,
    query=PageQuery,
    answer=CardPage,
    errors=(MemoNotFoundError,),
)
def list_cards_of_memo(memos: MemosContext, request: Request[NoBody, PageQuery]) -> Reply:
    """List a memo's cards in the order of its text."""
    cards = memos.cards.of_memo(request.caller.user_id, request.path["memo_id"])
    position, limit = request.position(), request.query.limit
    if position is not None:
        seen = (int(position["at"]), str(position["id"]))
        cards = [card for card in cards if (card.position, card.id) > seen]
    shown = cards[:limit]
    cursor = None
    if len(cards) > limit:
        cursor = request.next_cursor({"at": shown[-1].position, "id": shown[-1].id})
    return Reply(body=CardPage(items=[CardOut.of(c) for c in shown], next_cursor=cursor))


@router.route(
    "POST",
    "/memos/{memo_id}/cards",
    Permission.CARDS_WRITE,
    body=CardIn,
    answer=CardOut,
    status=201,
    idempotent=True,
    etag=True,
    errors=(MemoNotFoundError, TooManyCardsError, CardChangedError),
)
def create_card(memos: MemosContext, request: Request[CardIn]) -> Reply:
    """Write a card by hand; no regeneration touches it."""
    said = Written(
        front=request.body.front, back=request.body.back, kind=request.body.kind.value
    )  # fmt: skip
    card = memos.cards.write(
        request.caller.user_id, request.path["memo_id"], said, request_id=request.new_id()
    )
    return Reply(
        body=CardOut.of(card),
        version=card.version,
        headers={"location": f"/api/v1/cards/{card.id}"},
    )


@router.route("GET", "/cards", Permission.CARDS_READ, query=CardQuery, answer=CardPage)
def list_cards(memos: MemosContext, request: Request[NoBody, CardQuery]) -> Reply:
    """List the caller's cards: all, or with `due=true` those to review now."""
    position = request.position()
    page = memos.cards.due_page if request.query.due else memos.cards.page
    cards, after = page(
        request.caller.user_id,
        start_after=str(position["at"]) if position else None,
        limit=request.query.limit,
    )
    items = [CardOut.of(card) for card in cards]
    cursor = request.next_cursor({"at": after} if after else None)
    return Reply(body=CardPage(items=items, next_cursor=cursor))


@router.route(
    "GET",
    "/cards/next",
    Permission.CARDS_READ,
    query=NextQuery,
    answer=NextOut,
    errors=(UnknownTimezoneError,),
)
def next_card(memos: MemosContext, request: Request[NoBody, NextQuery]) -> Reply:
    """Get the card to review now: the most overdue one, else a new one, else null.

    New cards are shown up to the server's number a day.
    """
    found = memos.reviews.next(request.caller.user_id, request.query.timezone)
    return Reply(body=NextOut.of(found))


@router.route(
    "GET",
    "/cards/stats",
    Permission.CARDS_READ,
    query=NextQuery,
    answer=CardStatsOut,
    errors=(UnknownTimezoneError,),
)
def get_card_stats(memos: MemosContext, request: Request[NoBody, NextQuery]) -> Reply:
    """Get all of the caller's cards and reviews in numbers."""
    found = memos.reviews.stats(request.caller.user_id, request.query.timezone)
    return Reply(body=CardStatsOut.of(found))


@router.route(
    "GET",
    "/cards/{card_id}",
    Permission.CARDS_READ,
    answer=CardOut,
    etag=True,
    errors=(CardNotFoundError,),
)
def get_card(memos: MemosContext, request: Request[NoBody]) -> Reply:
    """Get a card."""
    return _reply(memos.cards.get(request.caller.user_id, request.path["card_id"]))


@router.route(
    "PATCH",
    "/cards/{card_id}",
    Permission.CARDS_WRITE,
    body=CardPatch,
    answer=CardOut,
    etag=True,
    if_match=True,
    errors=(CardNotFoundError, *_RACE_ERRORS),
)
def patch_card(memos: MemosContext, request: Request[CardPatch]) -> Reply:
    """Edit a card; its reviews stay, and no regeneration overwrites what was written."""
    card = memos.cards.amend(
        request.caller.user_id,
        request.path["card_id"],
        front=request.body.front,
        back=request.body.back,
        expected=request.expected_version(),
    )
    return _reply(card)


@router.route(
    "DELETE",
    "/cards/{card_id}",
    Permission.CARDS_WRITE,
    status=204,
    if_match=True,
    errors=(CardNotFoundError, *_RACE_ERRORS),
)
def delete_card(memos: MemosContext, request: Request[NoBody]) -> Reply:
    """Delete a card."""
    memos.cards.delete(
        request.caller.user_id, request.path["card_id"], expected=request.expected_version()
    )
    return Reply()


@router.route(
    "POST",
    "/cards/{card_id}/postpone",
    Permission.CARDS_WRITE,
    body=PostponeIn,
    answer=CardOut,
    idempotent=True,
    etag=True,
    if_match=True,
    errors=(CardNotFoundError, InvalidPostponementError, *_RACE_ERRORS),
)
def postpone_card(memos: MemosContext, request: Request[PostponeIn]) -> Reply:
    """Put a card off; what is known of its place in memory stays."""
    card = memos.cards.postpone(
        request.caller.user_id,
        request.path["card_id"],
        days=request.body.days,
        until=request.body.until,
        expected=request.expected_version(),
    )
    return _reply(card)


@router.route(
    "POST",
    "/cards/{card_id}/review",
    Permission.CARDS_WRITE,
    body=ReviewIn,
    answer=CardOut,
    idempotent=True,
    etag=True,
    if_match=True,
    errors=(CardNotFoundError, *_RACE_ERRORS),
)
def review_card(memos: MemosContext, request: Request[ReviewIn]) -> Reply:
    """Say how a review went; the answer is the card with its next due time.

    Of two reviews of one card at the same moment one counts, the other is 409.
    """
    card = memos.reviews.review(
        request.caller.user_id,
        request.path["card_id"],
        request.body.outcome,
        review_id=request.new_id(),
        expected=request.expected_version(),
    )
    return _reply(card)
