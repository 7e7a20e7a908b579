"""Dead letters through the HTTP door: one's own of all kinds, and everybody's by queue."""

from collections.abc import Sequence
from typing import Any

import pytest

from nightshift.jobs.kinds import Unique
from nightshift.outbound.fakes import answer
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer, register
from tests.contract.test_tasks_api import BODY
from tests.support.work import Chore, Hand, kind_of


@pytest.fixture
def product() -> Product:
    """The product with one kind of chores that are unique by name."""
    return make_product(kind_of(Hand(), unique=Unique(key=lambda chore: chore.name)))


@pytest.fixture
def bob(product: Product) -> dict[str, Any]:
    """Somebody who has no letters yet."""
    return register(product.door, "bob@example.com")


def _send(product: Product, who: dict[str, Any], method: str, path: str, **more: Any) -> Answer:
    return product.door(method, path, token=who["access_token"], **more)


def _bury(product: Product, ids: Sequence[str]) -> None:
    for message in list(product.engine.queue.messages):
        if any(one in message.body for one in ids):
            product.engine.machine.dead_letters().bury(message.body, queue="default")


def _dead(product: Product, bob: dict[str, Any], *names: str) -> list[str]:
    """Return jobs of Bob's whose messages are dead."""
    (kind,) = product.engine.kinds
    jobs = product.engine.machine.jobs
    ids = []
    for name in names:
        ids.append(jobs.enqueue(kind, Chore(name=name), owner_id=bob["user"]["id"]).job_id)
        product.engine.clock.advance(seconds=1)
    _bury(product, ids)
    return ids


def test_runs_of_tasks_are_among_them(product: Product, bob: dict[str, Any]) -> None:
    """One by one and by task; another's filter finds nothing."""
    body = BODY | {"task_schedule": "at(2026-11-22T12:02:00Z)"}
    task = _send(product, bob, "POST", "/tasks", json_body=body).json
    product.engine.receiver = lambda _: answer(200)
    _bury(product, [task["id"]])
    (letter,) = _send(product, bob, "GET", "/dead-letters").json["items"]
    assert (task["id"], "dead_letter", "task.run", "critical") == tuple(
        letter[name] for name in ("task_id", "reason", "kind", "queue")
    )
    none = _send(product, bob, "POST", "/dead-letters/redrive", json_body={"task_id": "other"})
    assert (202, [], False) == (none.status, none.json["run_ids"], none.json["more"])
    done = _send(product, bob, "POST", f"/dead-letters/{letter['id']}/redrive")
    assert [letter["run_id"]] == done.json["run_ids"] == done.json["job_ids"]
    assert [] == _send(product, bob, "GET", "/dead-letters").json["items"]
    product.engine.run_for(minutes=5)
    assert 1 == len(product.engine.calls)


def test_a_letter_shows_its_job_and_the_attempts(product: Product, bob: dict[str, Any]) -> None:
    """What is known of it is in one answer; another's letter does not exist."""
    (job_id,) = _dead(product, bob, "a")
    shown = _send(product, bob, "GET", f"/dead-letters/{job_id}").json
    assert ("test.chore", "failed", "dead_letter") == (
        shown["kind"],
        shown["job"]["status"],
        shown["job"]["error"],
    )
    assert [] == shown["attempts"]
    other = product.ids["letter_id"]
    for method, path in [
        ("GET", f"/dead-letters/{other}"),
        ("DELETE", f"/dead-letters/{other}"),
        ("POST", f"/dead-letters/{other}/redrive"),
    ]:
        refused = _send(product, bob, method, path)
        assert (404, "dead_letter_not_found") == (refused.status, refused.error)


def test_a_redrive_respects_unique_keys(product: Product, bob: dict[str, Any]) -> None:
    """Beside another open job of its key a letter stays: 409 alone, listed among many."""
    held, free = _dead(product, bob, "a", "b")
    (kind,) = product.engine.kinds
    jobs = product.engine.machine.jobs
    rival = jobs.enqueue(kind, Chore(name="a"), owner_id=bob["user"]["id"], delay_s=600)
    refused = _send(product, bob, "POST", f"/dead-letters/{held}/redrive")
    assert (409, "unique_key_taken") == (refused.status, refused.error)
    done = _send(product, bob, "POST", "/dead-letters/redrive", json_body={}).json
    assert ([free], [(held, "unique_key_taken")]) == (
        done["job_ids"],
        [(f["id"], f["error"]) for f in done["failed"]],
    )
    assert [held] == [x["id"] for x in _send(product, bob, "GET", "/dead-letters").json["items"]]
    _send(product, bob, "POST", f"/jobs/{rival.job_id}/cancel")
    assert 202 == _send(product, bob, "POST", f"/dead-letters/{held}/redrive").status
    product.engine.run_for(minutes=2)
    assert {"completed"} == {
        _send(product, bob, "GET", f"/jobs/{j}").json["status"] for j in (held, free)
    }


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"kind": "test.chore"}, [2, 1, 0]),
        ({"kind": "other"}, []),
        ({"queue": "default", "limit": 2}, [2, 1]),
        ({"queue": "low"}, []),
        ({"died_after": "2026-11-22T12:00:03Z"}, [2, 1, 0]),
        ({"died_before": "2026-11-22T12:00:02Z"}, []),
    ],
    ids=str,
)
def test_a_filter_says_which_are_redriven(
    product: Product, bob: dict[str, Any], body: dict[str, Any], meant: list[int]
) -> None:
    """By kind, queue and time of death, so many at a time, newest first."""
    ids = _dead(product, bob, "a", "b", "c")
    done = _send(product, bob, "POST", "/dead-letters/redrive", json_body=body).json
    assert [ids[n] for n in meant] == done["job_ids"]
    assert ("limit" in body) == done["more"]
    left = _send(product, bob, "GET", "/dead-letters").json["items"]
    assert 3 - len(meant) == len(left)


def test_letters_come_page_by_page_and_by_kind(product: Product, bob: dict[str, Any]) -> None:
    """Newest job first."""
    ids = _dead(product, bob, "a", "b", "c")
    first = _send(product, bob, "GET", "/dead-letters", query={"limit": "2"}).json
    query = {"limit": "2", "cursor": first["next_cursor"]}
    second = _send(product, bob, "GET", "/dead-letters", query=query).json
    assert list(reversed(ids)) == [x["id"] for x in (*first["items"], *second["items"])]
    assert second["next_cursor"] is None
    none = _send(product, bob, "GET", "/dead-letters", query={"kind": "task.run"}).json
    assert [] == none["items"]


def test_a_letter_can_be_forgotten(product: Product, bob: dict[str, Any]) -> None:
    """Its job stays failed."""
    (job_id,) = _dead(product, bob, "a")
    assert 204 == _send(product, bob, "DELETE", f"/dead-letters/{job_id}").status
    assert [] == _send(product, bob, "GET", "/dead-letters").json["items"]
    assert "failed" == _send(product, bob, "GET", f"/jobs/{job_id}").json["status"]


def test_administrators_see_all_letters_of_a_queue(product: Product, bob: dict[str, Any]) -> None:
    """Whoever owns them, and those that nobody could read; each can be redriven or forgotten."""
    (job_id,) = _dead(product, bob, "a")
    product.engine.machine.dead_letters().bury("{]", queue="default")
    admin = dict(product.root)
    path = "/queues/default/dead-letters"
    items = _send(product, admin, "GET", path).json["items"]
    by_owner = {item["owner_id"]: item for item in items}
    assert {bob["user"]["id"], product.user["user"]["id"], "unreadable"} == set(by_owner)
    unreadable = by_owner["unreadable"]
    assert ("{]", "", True) == (
        unreadable["body"],
        unreadable["job_id"],
        unreadable["reason"].startswith("unreadable"),
    )
    body = {"kind": "test.chore"}
    assert [job_id] == _send(product, admin, "POST", f"{path}/redrive", json_body=body).json[
        "job_ids"
    ]
    assert [] == _send(product, bob, "GET", "/dead-letters").json["items"]
    assert 204 == _send(product, admin, "DELETE", f"{path}/{unreadable['id']}").status
    left = _send(product, admin, "GET", path).json["items"]
    assert [product.ids["letter_id"]] == [item["id"] for item in left]
    assert [] == _send(product, admin, "GET", "/queues/low/dead-letters").json["items"]
    refused = _send(product, bob, "GET", path)
    assert (403, "forbidden") == (refused.status, refused.error)
