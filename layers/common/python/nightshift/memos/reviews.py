"""Reviews: which card comes next, what a review changes, and how it all goes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightshift.core.access import UserId
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.errors import FieldError
from nightshift.memos.card_store import CardStore
from nightshift.memos.cards import CardService, check_version
from nightshift.memos.errors import UnknownTimezoneError
from nightshift.memos.model import Card, Change, Outcome, Review, Totals
from nightshift.memos.scheduling import reviewed, scheme_of
from nightshift.memos.settings import MemoSettings
from nightshift.memos.statistics import Habit, habit, local_day, on_day, start_of_day

MAX_DUE_COUNTED = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """The card to review now, with the due time that each outcome would give it; or none.

    `due_at` is when the next card comes up, None if there is none at all.
    """

    card: Card | None = None
    outcomes: Mapping[Outcome, datetime] | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CardStats:
    """An owner's cards and reviews; `due` stops counting at `MAX_DUE_COUNTED`."""

    totals: Totals
    due: int
    habit: Habit


class ReviewService:
    """The reviews of their owners."""

    def __init__(
        self, *, store: CardStore, cards: CardService, clock: Clock, settings: MemoSettings
    ) -> None:
        self._store = store
        self._cards = cards
        self._clock = clock
        self._settings = settings
        self._scheme = scheme_of(settings)

    def next(self, owner_id: UserId, timezone: str) -> Next:
        """Return the most overdue card, else a new one unless the day's are used up, else none.

        Raises:
            UnknownTimezoneError: `timezone`, in which days are counted, is no IANA name.
        """
        zone = _zone(timezone)
        now = self._cards.now()
        first = self._store.first_due(owner_id)
        if first is not None and (first.due_ms or 0) <= to_ms(now):
            return self._offer(self._store.find(owner_id, first.card_id), now)
        due_at = from_ms(first.due_ms) if first is not None and first.due_ms else None
        fresh = self._store.first_fresh(owner_id)
        if fresh is None:
            return Next(due_at=due_at)
        if self._new_today(owner_id, now, zone) < self._settings.new_cards_per_day:
            return self._offer(self._store.find(owner_id, fresh.card_id), now)
        tomorrow = start_of_day(local_day(now, zone) + timedelta(days=1), zone)
        return Next(due_at=min(due_at or tomorrow, tomorrow))

    def _offer(self, card: Card | None, now: datetime) -> Next:
        if card is None:
            return Next(due_at=now)
        outcomes = {outcome: reviewed(card, outcome, now, self._scheme)[1] for outcome in Outcome}
        return Next(card=card, outcomes=outcomes, due_at=card.due_at)

    def _new_today(self, owner_id: UserId, now: datetime, zone: ZoneInfo) -> int:
        today = local_day(now, zone)
        first = start_of_day(today, zone).date()
        days = self._store.days_between(owner_id, first, now.astimezone(UTC).date())
        return on_day(today, zone, [(day.date, day.first_reviews) for day in days])

    def review(
        self,
        owner_id: UserId,
        card_id: str,
        outcome: Outcome,
        *,
        review_id: str,
        expected: int | None = None,
    ) -> Card:
        """Count a review and return the card with its new due time.

        The same `review_id` again counts nothing more. Of two reviews at once one counts.

        Raises:
            CardNotFoundError; CardVersionError; CardChangedError: another review was faster.
        """
        card = self._cards.get(owner_id, card_id)
        if expected not in {None, card.version} and self._store.has_review(card, review_id):
            return card
        check_version(card, expected)
        now = self._cards.now()
        recall, due_at = reviewed(card, outcome, now, self._scheme)
        after = replace(
            card, recall=recall, due_at=due_at, version=card.version + 1, updated_at=now
        )
        review = Review(id=review_id, card=card, outcome=outcome, at=now)
        repeated = self._store.review(Change(before=card, after=after), review)
        return self._cards.get(owner_id, card_id) if repeated else after

    def stats(self, owner_id: UserId, timezone: str) -> CardStats:
        """Return how many cards there are and how the owner reviews.

        Raises:
            UnknownTimezoneError: `timezone`, in which days are counted, is no IANA name.
        """
        zone = _zone(timezone)
        now = self._clock.now()
        due = self._store.due(owner_id, now, start_after=None, limit=MAX_DUE_COUNTED)
        return CardStats(
            totals=self._store.totals(owner_id),
            due=len(due),
            habit=habit(self._store.days(owner_id), now, zone),
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"There is no time zone {name!r}; use an IANA name, such as Europe/Berlin."
        fault = FieldError(field="timezone", message=message)
        raise UnknownTimezoneError(message, errors=[fault]) from error
