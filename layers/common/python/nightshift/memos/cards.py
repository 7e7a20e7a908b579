"""Cards as their owners handle them: read, write, edit, postpone, delete."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nightshift.aws.dynamo import ConditionFailedError
from nightshift.core.access import UserId
from nightshift.core.clock import Clock
from nightshift.core.ids import derived_id, id_time
from nightshift.memos.card_store import CardStore
from nightshift.memos.errors import (
    CardChangedError,
    CardNotFoundError,
    CardVersionError,
    InvalidPostponementError,
    MemoNotFoundError,
    TooManyCardsError,
)
from nightshift.memos.model import Card, CardId, Change, MemoId
from nightshift.memos.settings import MemoSettings
from nightshift.memos.store import MemoStore

TRIES = 4
PURGE_AT_ONCE = 45
"""Cards that one transaction removes, with their places in line and the sums."""
MAX_POSTPONEMENT = timedelta(days=3_650)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A card that somebody writes by hand."""

    front: str
    back: str
    kind: str


class CardService:
    """The cards of their owners. Whose card it is comes with every call; another's is not found."""

    def __init__(
        self, *, store: CardStore, memos: MemoStore, clock: Clock, settings: MemoSettings
    ) -> None:
        self._store = store
        self._memos = memos
        self._clock = clock
        self._settings = settings

    def now(self) -> datetime:
        """Return the time in the whole milliseconds that are stored."""
        moment = self._clock.now()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def get(self, owner_id: UserId, card_id: str) -> Card:
        """Return a card.

        Raises:
            CardNotFoundError: the owner has no such card.
        """
        card = self._store.find(owner_id, card_id)
        if card is None:
            raise CardNotFoundError
        return card

    def of_memo(self, owner_id: UserId, memo_id: str) -> list[Card]:
        """Return a memo's cards in the order of its text.

        Raises:
            MemoNotFoundError: the owner has no such memo.
        """
        if self._memos.find(owner_id, memo_id) is None:
            raise MemoNotFoundError
        return self._store.of_memo(owner_id, memo_id)

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[Sequence[Card], str | None]:
        """Return the owner's cards, newest memos first, and the id to go on after, or None."""
        return self._store.page(owner_id, start_after=start_after, limit=limit)

    def due_page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[Sequence[Card], str | None]:
        """Return what is due, most overdue first, and the place to go on after, or None.

        New cards are not among them unless they were postponed to a day that has come.
        """
        places = self._store.due(
            owner_id, self._clock.now(), start_after=start_after, limit=limit + 1
        )
        shown = places[:limit]
        cards = self._store.find_many(owner_id, [place.card_id for place in shown])
        return cards, shown[-1].place if len(places) > limit else None

    def write(
        self, owner_id: UserId, memo_id: str, said: Written, *, request_id: str
    ) -> Card:  # fmt: skip
        """Add a card by hand; the same `request_id` again finds the first.

        Raises:
            MemoNotFoundError; TooManyCardsError; CardChangedError: a race was lost.
        """
        card_id = derived_id(id_time(memo_id), "by-hand", memo_id, request_id)
        memo = self._memos.find(owner_id, memo_id)
        if memo is None:
            raise MemoNotFoundError
        found = self._store.find(owner_id, card_id)
        if found is not None:
            return found
        if memo.card_count >= self._settings.memo_cards_limit:
            raise TooManyCardsError
        now = self.now()
        card = Card(
            id=CardId(card_id),
            owner_id=owner_id,
            memo_id=MemoId(memo_id),
            front=said.front,
            back=said.back,
            kind=said.kind,
            position=memo.card_count,
            created_at=now,
            updated_at=now,
            due_at=now,
        )
        self._counted(Change(after=card), count=1)
        return card

    def _counted(self, change: Change, *, count: int) -> None:
        """Make a change that alters the number of a memo's cards.

        Raises:
            MemoNotFoundError: the memo is gone, and its cards go with it.
        """
        card = change.after or change.before
        if card is None:
            return
        beside = self._memos.counting_part(card.owner_id, card.memo_id, count, self._clock.now())
        try:
            self._store.apply(card.owner_id, [change], [beside])
        except ConditionFailedError as error:
            raise MemoNotFoundError from error

    def amend(
        self,
        owner_id: UserId,
        card_id: str,
        *,
        front: str | None,
        back: str | None,
        expected: int | None,
    ) -> Card:
        """Edit a card's sides; its review state stays, and no regeneration overwrites them.

        Raises:
            CardNotFoundError; CardVersionError; CardChangedError: a race was lost.
        """

        def edited(card: Card) -> Card:
            after = replace(card, front=front or card.front, back=back or card.back)
            return card if after == card else replace(after, edited=True)

        return self._changing(owner_id, card_id, expected, edited)

    def postpone(
        self,
        owner_id: UserId,
        card_id: str,
        *,
        days: int | None = None,
        until: datetime | None = None,
        expected: int | None = None,
    ) -> Card:
        """Put a card off by days, counted from its due time or now if that is past, or to a time.

        Raises:
            InvalidPostponementError: the time is past or too far off.
            CardNotFoundError; CardVersionError; CardChangedError: a race was lost.
        """
        now = self.now()

        def postponed(card: Card) -> Card:
            due = until or max(now, card.due_at) + timedelta(days=days or 0)
            if not now < due <= now + MAX_POSTPONEMENT:
                raise InvalidPostponementError
            due = due.replace(microsecond=due.microsecond // 1000 * 1000)
            return replace(card, due_at=due)

        return self._changing(owner_id, card_id, expected, postponed)

    def _changing(
        self,
        owner_id: UserId,
        card_id: str,
        expected: int | None,
        act: Callable[[Card], Card],
    ) -> Card:
        """Change the card as it stands, again while it moves on."""
        for left in reversed(range(TRIES)):
            card = self.get(owner_id, card_id)
            check_version(card, expected)
            after = act(card)
            if after == card:
                return card
            after = replace(after, version=card.version + 1, updated_at=self.now())
            try:
                self._store.apply(owner_id, [Change(before=card, after=after)], [])
            except CardChangedError:
                if left == 0:
                    raise
            else:
                return after
        raise AssertionError("unreachable")

    def delete(self, owner_id: UserId, card_id: str, *, expected: int | None) -> None:
        """Delete a card; its entries in the review log stay.

        Raises:
            CardNotFoundError; CardVersionError; CardChangedError: a race was lost.
        """
        for left in reversed(range(TRIES)):
            card = self.get(owner_id, card_id)
            check_version(card, expected)
            try:
                self._counted(Change(before=card), count=-1)
            except MemoNotFoundError as error:
                raise CardNotFoundError from error
            except CardChangedError:
                if left == 0:
                    raise
            else:
                return

    def purge(self, owner_id: str, memo_id: str) -> None:
        """Remove all cards of a retired memo, then the memo; doing it again is harmless.

        Raises:
            CardChangedError: a card was reviewed or edited again and again meanwhile.
        """
        changed = 0
        while cards := self._store.of_memo(owner_id, memo_id)[:PURGE_AT_ONCE]:
            try:
                self._store.apply(owner_id, [Change(before=card) for card in cards], [])
            except CardChangedError:
                changed += 1
                if changed == TRIES:
                    raise
        self._memos.remove(owner_id, memo_id)


def check_version(card: Card, expected: int | None) -> None:
    """Refuse a request that asks for another version.

    Raises:
        CardVersionError: `expected` is given and is not the card's version.
    """
    if expected is not None and expected != card.version:
        raise CardVersionError(f"If-Match asks for version {expected}, but it is {card.version}.")
