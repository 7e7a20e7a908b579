"""Many who ask for reports at the same moment, through the door, over the thread-safe table."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nightshift.jobs.model import NOBODY
from tests.support.dynamo import FakeDynamoDB
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
