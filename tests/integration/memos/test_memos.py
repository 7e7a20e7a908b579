"""Memos on a running stack: over HTTP, through the real queue and function, and after a death."""

import uuid

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.access import UserId
from nightshift.jobs.engine import Claimed
from nightshift.jobs.model import Message
from nightshift.memos.generators.rules import RulesGenerator
from nightshift.memos.settings import MemoSettings
from nightshift.memos.wiring import MemosContext, Outside
from tests.integration.stack.harness import Stack
from tests.integration.tasks.backstage import Backstage, DroppingQueue
from tests.integration.tasks.client import Client, Document
from tests.integration.tasks.receiver import wait_until

pytestmark = pytest.mark.stack

TEXT = "A glacier is a mass of ice that flows under its own weight. Odda was founded in 1912."
BEHIND_S = 300
"""Longer than a job's lease: whoever took one then and has said nothing since is dead."""


def _memo(client: Client, memo_id: str) -> Document:
    memo: Document = client.expect(200, "GET", f"/memos/{memo_id}")
    return memo


def _completed(client: Client, memo_id: str) -> Document:
    """Return the memo as soon as its cards are made."""
    wait_until(lambda: _memo(client, memo_id)["status"] == "completed", "the cards to be made")
    return _memo(client, memo_id)


def _cards(client: Client, memo_id: str) -> list[Document]:
    cards: list[Document] = client.expect(200, "GET", f"/memos/{memo_id}/cards")["items"]
    return cards


def test_a_memo_becomes_cards_that_are_reviewed(client: Client) -> None:
    """Written, made by the worker, shown in turn, reviewed, and gone when it is deleted."""
    accepted = client.expect(202, "POST", "/memos", {"title": "Ice", "text": TEXT})
    memo_id = accepted["memo"]["id"]
    assert "pending" == accepted["memo"]["status"]
    memo = _completed(client, memo_id)
    assert (2, "rules", accepted["job_id"]) == (
        memo["card_count"],
        memo["generator"],
        memo["job_id"],
    )
    cards = _cards(client, memo_id)
    assert ["Ice\nWhat is a glacier?", "Ice\nWhen was Odda founded?"] == [c["front"] for c in cards]
    offered = client.expect(200, "GET", "/cards/next")
    assert cards[0]["id"] == offered["card"]["id"]
    reviewed = client.expect(200, "POST", f"/cards/{cards[0]['id']}/review", {"outcome": "easy"})
    assert ("review", 1) == (reviewed["stats"]["state"], reviewed["stats"]["reps"])
    stats = client.expect(200, "GET", "/cards/stats")
    assert (2, 1, 1, 1) == (
        stats["total"],
        stats["new"],
        stats["reviews_today"],
        stats["streak_days"],
    )
    client.expect(204, "DELETE", f"/memos/{memo_id}")
    client.expect(404, "GET", f"/cards/{cards[0]['id']}")


def test_a_worker_that_died_in_the_middle_is_replaced(stack: Stack, client: Client) -> None:
    """It had taken the job and the memo some minutes ago: the sweeper has the cards made."""
    backstage = Backstage(stack)
    context = _context(stack, backstage)
    owner = UserId(client.user.id)
    memo = context.memos.create(owner, title="Ice", text=TEXT)
    _die_at_work(context, memo.id, owner)
    assert "processing" == _memo(client, memo.id)["status"]
    with backstage.schedules_stopped():
        backstage.sweep()
    assert 2 == _completed(client, memo.id)["card_count"]
    assert 2 == len({card["front"] for card in _cards(client, memo.id)})


def _context(stack: Stack, backstage: Backstage) -> MemosContext:
    """Return the memos context as it was some minutes ago, when nothing that it sent arrived."""
    machine = backstage.context(behind_s=BEHIND_S, queue=DroppingQueue()).machine
    outside = Outside(
        table=Table(stack.client("dynamodb"), stack.outputs()["MemosTable"]),
        generator=RulesGenerator,
        new_token=lambda: uuid.uuid4().hex,
    )
    return MemosContext(machine, outside, MemoSettings())


def _die_at_work(context: MemosContext, memo_id: str, owner: UserId) -> None:
    """Take the memo's job as a worker does, begin with it, and do nothing more."""
    machine = context._machine
    memo = context.memos.get(owner, memo_id)
    order = machine.orders.find(owner, memo.job_id)
    assert order is not None
    plan = machine.plans([order.ref])[order.ref]
    claimed = machine.engine.prepare(Message.first(order.ref), plan)
    assert isinstance(claimed, Claimed)
    context._store.begin(
        owner,
        memo_id,
        generation=memo.generation,
        worker="dead",
        generator="rules",
        now=context.clock.now(),
    )
