"""Cards in their table, each with the place where it waits, and their owner's sums.

A card, its place in line and the sums change in one transaction, so that whoever asks what is due
reads one small row, never the cards; the places hold nothing but the card's id.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
    TransactionConflictError,
    Update,
    Write,
)
from nightshift.core.clock import to_ms
from nightshift.memos import keys
from nightshift.memos.errors import CardChangedError
from nightshift.memos.items import (
    card_item,
    card_of,
    day_of,
    log_item,
    totals_of,
    waiting_item,
)
from nightshift.memos.model import Card, CardState, Change, Day, Outcome, Review, Totals

DAYS_AT_ONCE = 32
QUARTER_S = 900
_SUM_OF_STATE = {
    CardState.NEW: "new",
    CardState.LEARNING: "learning",
    CardState.RELEARNING: "learning",
    CardState.REVIEW: "review",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The front of a line: a card's id, and when it is due; None for a new card."""

    card_id: str
    due_ms: int | None
    place: str


class CardStore:
    """The cards of all owners."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, owner_id: str, card_id: str) -> Card | None:
        """Return the owner's card, read consistently, or None."""
        item = self._table.get(keys.card(owner_id, card_id), consistent=True)
        return card_of(item) if item else None

    def find_many(self, owner_id: str, card_ids: Sequence[str]) -> list[Card]:
        """Return those of the cards that exist, in the order asked for."""
        items = self._table.get_many([keys.card(owner_id, i) for i in card_ids])
        found = {card.id: card for card in map(card_of, items)}
        return [found[i] for i in card_ids if i in found]  # type: ignore[index]  # texts are ids

    def of_memo(self, owner_id: str, memo_id: str) -> list[Card]:
        """Return all cards of a memo in the order of its text, read consistently."""
        items = self._table.query(
            keys.owner(owner_id), between=keys.cards_near(memo_id), consistent=True
        )
        cards = [card for card in map(card_of, items) if card.memo_id == memo_id]
        return sorted(cards, key=lambda card: (card.position, card.id))

    def page(
        self, owner_id: str, *, start_after: str | None, limit: int
    ) -> tuple[list[Card], str | None]:
        """Return the owner's cards, newest memos first, and the id to go on after, or None."""
        items = self._table.query(
            keys.owner(owner_id),
            prefix=keys.CARD,
            start_after=keys.CARD + start_after if start_after else None,
            descending=True,
            limit=limit + 1,
        )
        cards = [card_of(item) for item in items]
        return cards[:limit], cards[limit - 1].id if len(cards) > limit else None

    def due(
        self, owner_id: str, now: datetime, *, start_after: str | None, limit: int
    ) -> list[Waiting]:
        """Return what is due, most overdue first; `start_after` is the last place seen."""
        items = self._table.query(
            keys.owner(owner_id),
            between=keys.due_until(to_ms(now)),
            start_after=start_after,
            limit=limit,
        )
        return [_waiting(item) for item in items]

    def first_due(self, owner_id: str) -> Waiting | None:
        """Return what falls due first, perhaps in the future, or None; read consistently."""
        return self._first(owner_id, keys.DUE)

    def first_fresh(self, owner_id: str) -> Waiting | None:
        """Return the first in the line of new cards, or None; read consistently."""
        return self._first(owner_id, keys.FRESH)

    def _first(self, owner_id: str, prefix: str) -> Waiting | None:
        items = self._table.query(keys.owner(owner_id), prefix=prefix, limit=1, consistent=True)
        return next(map(_waiting, items), None)

    def totals(self, owner_id: str) -> Totals:
        """Return the owner's sums."""
        return totals_of(self._table.get(keys.totals(owner_id)))

    def days(self, owner_id: str) -> Iterator[Day]:
        """Yield the owner's days with reviews, newest first, read as they are asked for."""
        after: str | None = None
        while True:
            items = list(
                self._table.query(
                    keys.owner(owner_id),
                    prefix=keys.DAY,
                    start_after=after,
                    descending=True,
                    limit=DAYS_AT_ONCE,
                )
            )
            yield from map(day_of, items)
            if len(items) < DAYS_AT_ONCE:
                return
            after = items[-1]["sk"]

    def days_between(self, owner_id: str, first: date, last: date) -> list[Day]:
        """Return the days with reviews from `first` to `last`, read consistently."""
        bounds = (keys.day(owner_id, first)["sk"], keys.day(owner_id, last)["sk"])
        items = self._table.query(keys.owner(owner_id), between=bounds, consistent=True)
        return [day_of(item) for item in items]

    def apply(self, owner_id: str, changes: Sequence[Change], beside: Sequence[Write]) -> None:
        """Make all changes, and those beside them, or none.

        Raises:
            ConditionFailedError: one of `beside` was refused; `index` says which.
            CardChangedError: a card is not as it was seen.
        """
        parts = [*beside, *self._parts(changes), *self._sums(owner_id, changes)]
        if not parts:
            return
        try:
            self._table.transact(parts)
        except ConditionFailedError as error:
            if error.index < len(beside):
                raise
            raise CardChangedError from error
        except TransactionConflictError as error:
            raise CardChangedError from error

    def _parts(self, changes: Iterable[Change]) -> Iterator[Write]:
        for change in changes:
            yield self._card_part(change)
            before = keys.waiting(change.before) if change.before else None
            after = keys.waiting(change.after) if change.after else None
            if before is not None and before != after:
                yield Delete(table=self._table.name, key=before)
            if change.after is not None and before != after:
                yield Put(table=self._table.name, item=waiting_item(change.after))

    def _card_part(self, change: Change) -> Write:
        before, after = change.before, change.after
        condition = NOT_EXISTS
        if before is not None:
            condition = Condition(
                expression="#version = :seen",
                names={"#version": "version"},
                values={":seen": before.version},
            )
        if after is not None:
            return Put(table=self._table.name, item=card_item(after), condition=condition)
        if before is None:
            raise ValueError("a change needs a card before or after it")
        key = keys.card(before.owner_id, before.id)
        return Delete(table=self._table.name, key=key, condition=condition)

    def _sums(
        self, owner_id: str, changes: Iterable[Change], more: Item | None = None
    ) -> list[Update]:
        """Return the write that keeps the sums in step, if they change."""
        sums: Counter[str] = Counter(more or {})
        for change in changes:
            if change.before is not None:
                sums[_SUM_OF_STATE[change.before.recall.state]] -= 1
            if change.after is not None:
                sums[_SUM_OF_STATE[change.after.recall.state]] += 1
        moved = {name: count for name, count in sorted(sums.items()) if count}
        if not moved:
            return []
        return [_adding(self._table.name, keys.totals(owner_id), moved)]

    def review(self, change: Change, review: Review) -> bool:
        """Store a review with all that follows from it; tell whether it was stored before.

        Raises:
            CardChangedError: the card is not as it was seen.
        """
        before = review.card
        lapses = change.after.recall.lapses - before.recall.lapses if change.after else 0
        log = Put(table=self._table.name, item=log_item(review), condition=NOT_EXISTS)
        parts: list[Write] = [
            log,
            *self._parts([change]),
            *self._sums(before.owner_id, [change], {"reviews": 1, "lapses": lapses}),
            _adding(self._table.name, keys.day(before.owner_id, _utc_day(review)), _tally(review)),
        ]
        try:
            self._table.transact(parts)
        except ConditionFailedError as error:
            if error.index == 0:
                return True
            raise CardChangedError from error
        except TransactionConflictError as error:
            raise CardChangedError from error
        return False

    def has_review(self, card: Card, review_id: str) -> bool:
        """Tell whether this review of the card is in the log, read consistently."""
        key = keys.log(card.owner_id, card.id, review_id)
        return self._table.get(key, consistent=True) is not None


def _waiting(item: Item) -> Waiting:
    place = str(item["sk"])
    due = place.removeprefix(keys.DUE).partition("#")[0] if place.startswith(keys.DUE) else None
    return Waiting(card_id=item["card"], due_ms=None if due is None else int(due), place=place)


def _adding(table: str, key: Item, counts: Item) -> Update:
    """Return the write that adds to numbers of an item, which it makes if there is none."""
    names = {f"#{name}": name for name in counts}
    return Update(
        table=table,
        key=key,
        expression="ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        names=names,
        values={f":{name}": count for name, count in counts.items()},
    )


def _utc_day(review: Review) -> date:
    return review.at.astimezone(UTC).date()


def _tally(review: Review) -> Item:
    """Return what a review adds to its day."""
    at = review.at.astimezone(UTC)
    quarter = (at.hour * 3600 + at.minute * 60) // QUARTER_S
    recall = review.card.recall
    counts = {f"q{quarter:02}": 1}
    if recall.state is CardState.NEW:
        counts[f"n{quarter:02}"] = 1
    if recall.is_mature:
        counts["mature"] = 1
        counts["kept"] = int(review.outcome is not Outcome.AGAIN)
    return counts
