"""Memos and cards in virtual time: the context on a whole engine, and its routes behind a door."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nightshift.aws.dynamo import Table
from nightshift.core.access import Caller, Role, RoleName, SessionId, UserId, permissions_of
from nightshift.core.errors import UnauthenticatedError
from nightshift.http.wiring import build_app
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import Job
from nightshift.jobs.model import JobProgress
from nightshift.memos import keys
from nightshift.memos.api import router as memos_router
from nightshift.memos.cards_api import router as cards_router
from nightshift.memos.items import card_of, memo_of
from nightshift.memos.model import Card, CardState, MakeCards, Memo
from nightshift.memos.settings import MemoSettings
from nightshift.memos.wiring import MemosContext, Outside
from nightshift.ports.cards import MAX_CARDS, CardDraft, CardKind, Generation
from tests.contract.door import ENVIRON, Door, make_world
from tests.support.dynamo import FakeDynamoDB
from tests.support.world import World

ANNA = UserId("01980000-0000-7000-8000-00000000000a")
BEN = UserId("01980000-0000-7000-8000-00000000000b")
START = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
TABLES = ("jobs", "tasks", "memos", "http")


@dataclass
class Lines:
    """A generator that makes a card of each line `front = back`; `before` runs at each call."""

    name: str = "lines"
    before: Callable[[], object] = lambda: None
    problems: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def generate(self, title: str, text: str, *, max_cards: int = MAX_CARDS) -> Generation:
        """Make the cards."""
        self.asked.append(text)
        self.before()
        pairs = [line.partition("=") for line in text.splitlines() if "=" in line]
        cards = [
            CardDraft(front=f"{title}\n{a}" if title else a, back=b, kind=CardKind.DEFINITION)
            for a, _, b in pairs
        ]
        return Generation(cards=tuple(cards[:max_cards]), problems=self.problems)


@dataclass
class _Tokens:
    """Anna and Ben sign in by their names, Vera may only read."""

    def authenticate(self, token: str, *, address: str) -> Caller:
        """Return the caller of a token."""
        people = {
            "anna": (ANNA, Role.MEMBER),
            "ben": (BEN, Role.MEMBER),
            "vera": (ANNA, Role.VIEWER),
        }
        if token not in people:
            raise UnauthenticatedError
        user_id, role = people[token]
        return Caller(
            user_id=user_id,
            session=SessionId("s"),
            roles=(RoleName(role),),
            permissions=permissions_of(role),
        )


class Scene:
    """One stack with the memos context on it."""

    def __init__(
        self,
        *,
        settings: MemoSettings | None = None,
        dynamo: FakeDynamoDB | None = None,
        start: datetime = START,
    ) -> None:
        self.dynamo = dynamo or FakeDynamoDB(TABLES)
        self.world = World(start=start, dynamo=self.dynamo)
        self.clock = self.world.clock
        self.generator = Lines()
        self.settings = settings or MemoSettings(memo_max_cards=200)
        tokens = itertools.count()
        outside = Outside(
            table=Table(self.dynamo, "memos"),  # type: ignore[arg-type]  # the fake's door
            generator=lambda: self.generator,
            new_token=lambda: f"worker-{next(tokens)}",
        )
        self.context = MemosContext(self.world.machine, outside, self.settings)
        self.door = self._door()

    def _door(self) -> Door:
        world = make_world()
        world.dynamodb, world.clock = self.dynamo, self.clock
        handler = build_app(
            [memos_router.bind(lambda: self.context), cards_router.bind(lambda: self.context)],
            environ=ENVIRON,
            authenticator=_Tokens(),
            outside=world.outside,
        )
        return Door(handler=handler)

    def send(self, method: str, path: str, *, as_: str = "anna", **more: Any) -> Any:
        """Send a request as somebody."""
        return self.door(method, path, token=as_, **more)

    def write(self, text: str = "a = 1\nb = 2\nc = 3", *, title: str | None = None) -> Memo:
        """Write a memo of Anna's."""
        return self.context.memos.create(ANNA, title=title, text=text)

    def settle(self) -> None:
        """Let the jobs of the next minutes run."""
        self.world.run_for(minutes=2)

    def made(self, text: str = "a = 1\nb = 2\nc = 3", *, title: str | None = None) -> Memo:
        """Write a memo of Anna's and have its cards made."""
        memo = self.write(text, title=title)
        self.settle()
        return self.context.memos.get(ANNA, memo.id)

    def memo(self, memo_id: str) -> Memo:
        """Return a memo of Anna's as it stands."""
        return self.context.memos.get(ANNA, memo_id)

    def cards(self, memo: Memo) -> list[Card]:
        """Return the cards of a memo of Anna's."""
        return self.context.cards.of_memo(ANNA, memo.id)

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Return the rows of the memos table whose sort key begins so."""
        return [row for row in self.dynamo.items("memos") if str(row["sk"]).startswith(prefix)]


def sides(cards: Sequence[Card]) -> list[tuple[str, str]]:
    """Return front and back of cards."""
    return [(card.front.strip(), card.back.strip()) for card in cards]


class StillPulse:
    """An attempt's pulse that nobody feels; `lost` makes the next progress fail."""

    def __init__(self) -> None:
        self.lost = False
        self.told: list[JobProgress] = []

    def progress(self, progress: JobProgress) -> None:
        """Keep what was told."""
        if self.lost:
            raise JobLostError
        self.told.append(progress)

    async def in_thread(self, work: Callable[[], Any], *, timeout_s: float) -> Any:
        """Run the work where it is."""
        return work()


def attempt(scene: Scene, memo: Memo, *, pulse: StillPulse | None = None) -> Any:
    """Run the handler of a memo's job once, as a worker of its own would."""
    kind = scene.context._cards_kind
    payload = MakeCards(memo_id=memo.id, generation=memo.generation)
    ref = kind.ref_of(payload, job_id=memo.job_id, owner_id=memo.owner_id, due_ms=0)
    job = Job(ref=ref, payload=payload, attempt=1, pulse=pulse or StillPulse())
    return kind.handler(job)


def check_order(scene: Scene) -> None:
    """Check that every card waits in exactly its place, and that all sums are right."""
    for owner in (ANNA, BEN):
        rows = [row for row in scene.dynamo.items("memos") if row["pk"] == f"U#{owner}"]
        cards = [card_of(row) for row in rows if str(row["sk"]).startswith("C#")]
        places = sorted(str(keys.waiting(card)["sk"]) for card in cards)
        assert places == sorted(str(r["sk"]) for r in rows if str(r["sk"]).startswith(("D#", "N#")))
        states = Counter(card.recall.state for card in cards)
        totals = scene.context._card_store.totals(owner)
        learning = states[CardState.LEARNING] + states[CardState.RELEARNING]
        assert (states[CardState.NEW], learning, states[CardState.REVIEW]) == (
            totals.new,
            totals.learning,
            totals.review,
        )
        counted = Counter(card.memo_id for card in cards)
        memos = [memo_of(row) for row in rows if str(row["sk"]).startswith("M#")]
        assert {memo.id: counted[memo.id] for memo in memos if not memo.gone} == {
            memo.id: memo.card_count for memo in memos if not memo.gone
        }
