"""Queues through the HTTP door: administrators see, pause and resume them."""

from typing import Any

import pytest

from nightshift.core.access import Role
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer
from tests.support.work import Chore, Hand, kind_of


@pytest.fixture
def hand() -> Hand:
    """Who does the chores."""
    return Hand()


@pytest.fixture
def product(hand: Hand) -> Product:
    """The product with one kind of chores."""
    return make_product(kind_of(hand))


def _send(product: Product, method: str, path: str, **more: Any) -> Answer:
    return product.door(method, path, token=product.root["access_token"], **more)


def test_queues_are_listed_with_their_weights(product: Product) -> None:
    """All three, in the order of their weights."""
    items = _send(product, "GET", "/queues").json["items"]
    assert [("critical", 6), ("default", 3), ("low", 1)] == [
        (q["name"], q["weight"]) for q in items
    ]
    assert [False] * 3 == [q["is_paused"] for q in items]
    depth = items[1]["depth"]
    assert depth["total"] == depth["visible"] + depth["delayed"] + depth["in_flight"] > 0
    assert items[1] == _send(product, "GET", "/queues/default").json


def test_a_queue_is_paused_and_goes_on(product: Product, hand: Hand) -> None:
    """Nothing begins meanwhile; afterwards it is quick, and nothing is lost or done twice."""
    paused = _send(product, "POST", "/queues/default/pause").json
    assert (True, product.root["user"]["id"], "2026-11-22T12:00:00Z") == (
        paused["is_paused"],
        paused["paused_by"],
        paused["paused_at"],
    )
    (kind,) = product.engine.kinds
    for name in ("a", "b"):
        product.engine.machine.jobs.enqueue(
            kind, Chore(name=name), owner_id=product.user["user"]["id"]
        )
    product.engine.run_for(minutes=10)
    assert not hand.jobs
    assert 4 == _send(product, "GET", "/queues/default").json["held"]
    resumed = _send(product, "POST", "/queues/default/resume").json
    assert (False, None, None) == tuple(
        resumed[name] for name in ("is_paused", "paused_at", "paused_by")
    )
    product.engine.run_for(minutes=2)
    assert ({1}, 2) == (set(hand.done.values()), len(hand.done))
    assert 0 == _send(product, "GET", "/queues/default").json["held"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_nobody_else_may(product: Product, role: Role) -> None:
    """403 for members and for viewers, who may read all else."""
    product.set_roles(role.value)
    for method, path in [
        ("GET", "/queues"),
        ("GET", "/queues/low"),
        ("POST", "/queues/low/pause"),
        ("POST", "/queues/low/resume"),
    ]:
        refused = product.door(method, path, token=product.token)
        assert (403, "forbidden") == (refused.status, refused.error)
    assert not _send(product, "GET", "/queues/low").json["is_paused"]


def test_there_are_no_other_queues(product: Product) -> None:
    """404 for a name that is none."""
    assert 404 == _send(product, "POST", "/queues/fast/pause").status
