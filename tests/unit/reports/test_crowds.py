"""Many who ask for reports at the same moment, through the door, over the thread-safe table."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nightshift.jobs.model import NOBODY
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import Request
from tests.support.prying import Pry
from tests.unit.reports.scene import TABLES, Scene

CONFLICT_RATE = 0.02


def _crowd(scene: Scene, asked: list[dict[str, Any]]) -> list[Any]:
    """Let all ask at once; return their answers."""
    everybody = threading.Barrier(len(asked))

    def ask(query: dict[str, Any]) -> Any:
        everybody.wait(60)
        return scene.ask(**query)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(ask, asked))


def _orders(scene: Scene) -> set[str]:
    return {str(r["sk"]) for r in scene.dynamo.items("jobs") if NOBODY in str(r["pk"])}


@pytest.mark.parametrize("state", ["missing", "stale"])
@pytest.mark.parametrize(("size", "force"), [(50, False), (50, True), (500, False)])
def test_a_crowd_that_wishes_for_one_report_gets_one_job(
    size: int, state: str, *, force: bool
) -> None:
    """Every answer is valid and names it; strangers among them get what there is."""
    dynamo = FakeDynamoDB(TABLES, strict=False, keep_calls=False, conflict_rate=CONFLICT_RATE)
    scene = Scene(dynamo=dynamo)
    if state == "stale":
        scene.made()
        scene.age(3_700)
    before = _orders(scene)
    more = {"force": True} if force else {}
    asked: list[dict[str, Any]] = [
        {"as_": None if n % 5 == 0 else "anna"} | more for n in range(size)
    ]
    answers = _crowd(scene, asked)
    (job_id,) = _orders(scene) - before
    known = [a for q, a in zip(asked, answers, strict=True) if q["as_"]]
    assert {("regenerating", job_id)} == {(a["state"], a["job_id"]) for a in known}
    strangers = [a for q, a in zip(asked, answers, strict=True) if not q["as_"]]
    assert {a["state"] for a in strangers} <= {state, "regenerating"}
    assert {a["job_id"] for a in strangers} <= {None, job_id}
    scene.settle()
    assert "fresh" == scene.ask(as_=None)["state"]
    assert {job_id} == _orders(scene) - before


def test_two_users_asked_for_at_once_are_two_jobs() -> None:
    """And other parameters of one user a third."""
    scene = Scene(dynamo=FakeDynamoDB(TABLES, strict=False, keep_calls=False))
    wishes = [{"user": "ada"}, {"user": "grace"}, {"user": "ada", "period": "7d"}]
    answers = _crowd(scene, wishes * 10)
    assert 3 == len(_orders(scene)) == len({a["job_id"] for a in answers})


def _scheduled(scene: Scene) -> list[dict[str, Any]]:
    return scene.lines("report.scheduled")


def _between_look_and_job(scene: Scene, act: Callable[[], object]) -> None:
    """Run `act` once, after somebody has looked and before the job of it is put in."""

    def is_enqueueing(operation: str, _: Request) -> bool:
        return operation == "TransactWriteItems"

    scene.dynamo.faults = Pry(is_enqueueing, act)


@pytest.mark.parametrize("state", ["missing", "stale"])
def test_what_was_made_since_the_look_is_not_made_again(state: str) -> None:
    """Who looked before the report was there, and asks after it is, gets it."""
    scene = Scene()
    if state == "stale":
        scene.made()
        scene.age(3_700)
    before = len(_scheduled(scene))
    _between_look_and_job(scene, scene.made)
    answer = scene.ask()
    assert ("fresh", 1) == (answer["state"], len(_scheduled(scene)) - before)


def test_what_failed_since_the_look_is_not_tried_again_at_once() -> None:
    """The failure is told instead, as to whoever comes a moment later."""
    scene = Scene()

    def fail() -> None:
        scene.ask(user="missing-one")
        scene.settle(minutes=0.1)

    _between_look_and_job(scene, fail)
    answer = scene.ask(user="missing-one")
    assert ("missing", "github_user_not_found") == (answer["state"], answer["last_error"]["error"])
    assert 1 == len(_scheduled(scene))


def test_whoever_forces_gets_one_that_is_made_after_the_wish() -> None:
    """One that was made while the wish was on its way does not count."""
    scene = Scene()
    _between_look_and_job(scene, scene.made)
    answer = scene.ask(force=True)
    assert ("regenerating", 2) == (answer["state"], len(_scheduled(scene)))
