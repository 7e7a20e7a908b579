"""Who sees what, and whose visit has a report made: every row of visitor, state and force."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from nightshift.jobs.model import NOBODY
from nightshift.reports.schemas import ReportAnswer
from tests.unit.reports.scene import USER, Scene

STATES = ("fresh", "stale", "missing", "regenerating")


@dataclass(frozen=True)
class Row:
    """What is there, who comes, and with force or not."""

    state: str
    as_: str | None
    force: bool

    @property
    def makes_a_job(self) -> bool:
        """Tell whether there is to be a new job after the visit."""
        if self.as_ != "anna" or self.state == "regenerating":
            return False
        return self.force or self.state in {"stale", "missing"}

    def __str__(self) -> str:
        return f"{self.state}-{self.as_}{'-force' * self.force}"


ROWS = [Row(s, a, f) for s in STATES for a in (None, "anna", "vera") for f in (False, True)]
ROWS = [row for row in ROWS if not (row.as_ == "vera" and row.force)]


def _prepared(state: str) -> Scene:
    scene = Scene()
    if state != "missing":
        scene.made()
    if state in {"stale", "regenerating"}:
        scene.age(3_700)
    if state == "regenerating":
        scene.ask()
    return scene


def orders(scene: Scene) -> set[str]:
    """Return the ids of all report jobs that were ever put in."""
    rows = scene.dynamo.items("jobs")
    return {str(row["sk"]) for row in rows if NOBODY in str(row["pk"])}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_visit_gets_what_there_is_at_once(row: Row) -> None:
    """And has a report made exactly where it may and where there is reason to."""
    scene = _prepared(row.state)
    before, asked = orders(scene), len(scene.asked())
    answer = scene.ask(as_=row.as_, force=row.force)
    new = orders(scene) - before
    assert row.makes_a_job == bool(new)
    ReportAnswer.model_validate_json(json.dumps(answer))
    running = row.makes_a_job or row.state == "regenerating"
    assert ("regenerating" if running else row.state) == answer["state"]
    assert running == answer["is_regenerating"] == (answer["job_id"] is not None)
    assert (row.state == "missing") == (answer["report"] is None)
    assert (row.state in {"stale", "regenerating"}) == answer["is_stale"]
    assert (row.state == "missing") == (answer["cache_age_seconds"] is None)
    if new:
        assert new == {answer["job_id"]}
    assert asked == len(scene.asked()), "nobody waits for GitHub"


def test_ages_and_times_are_told() -> None:
    """Of the report that is shown."""
    scene = Scene()
    first = scene.made()
    assert ("fresh", False, USER) == (first["state"], first["is_stale"], first["username"])
    scene.age(100)
    later = scene.ask(as_=None)
    assert first["cache_age_seconds"] + 100 == later["cache_age_seconds"]
    assert first["generated_at"] == later["generated_at"] == later["report"]["generated_at"]


def test_the_visit_that_finds_it_made_sees_it_fresh() -> None:
    """Nobody has to come a third time."""
    scene = Scene()
    first = scene.ask()
    assert ("regenerating", None) == (first["state"], first["report"])
    scene.settle()
    second = scene.ask()
    assert ("fresh", "30d", None) == (second["state"], second["period"], second["job_id"])
    assert second["report"]["pull_requests"]["merged"] > 0


def test_the_job_can_be_looked_at_by_whoever_is_signed_in_and_stopped_by_nobody() -> None:
    """It belongs to nobody: all who wish for the report wait for the same one."""
    scene = Scene()
    job_id = scene.ask()["job_id"]
    owned = scene.world.machine.jobs.owned
    assert job_id == owned.view("somebody", job_id).ref.job_id
    assert [] == owned.page("somebody", start_after=None, limit=10)[0]
    for act in (owned.cancel, owned.retry):
        with pytest.raises(Exception, match="no such job"):
            act("somebody", job_id)


def test_who_may_only_look_cannot_force() -> None:
    """Without reports:write it is 403, and nothing is put in."""
    scene = Scene()
    answer = scene.door("GET", f"/reports/{USER}", token="vera", query={"force": "true"})
    assert (403, set()) == (answer.status, orders(scene))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic YTpi"])
def test_wrong_credentials_are_not_taken_for_none(header: str) -> None:
    """Who sends some must send good ones."""
    scene = Scene()
    answer = scene.door("GET", f"/reports/{USER}", headers={"authorization": header})
    assert (401, True) == (answer.status, "www-authenticate" in answer.headers)


@pytest.mark.parametrize(
    "name", ["-a", "a-", "a--b", "a_b", "a.b", "x" * 40, "ä", "a%20b", "..", "a%0a", "%00"]
)
def test_a_name_that_github_would_not_take_is_not_found(name: str) -> None:
    """With a word on what a name is like; GitHub is not bothered."""
    scene = Scene()
    answer = scene.door("GET", f"/reports/{name}", token="anna")
    assert (404, []) == (answer.status, list(scene.asked()))
    assert set() == orders(scene)


@pytest.mark.parametrize("period", ["31d", "2027", "2026-W60", "yesterday", ""])
def test_a_wrong_period_is_refused_by_field(period: str) -> None:
    """422, with what would be right, for everybody."""
    scene = Scene()
    for token in (None, "anna"):
        answer = scene.door("GET", f"/reports/{USER}", token=token, query={"period": period})
        assert (422, "period") == (answer.status, answer.json["errors"][0]["field"])
    assert set() == orders(scene)


def test_the_case_of_a_name_makes_no_difference() -> None:
    """One report, one job."""
    scene = Scene()
    first = scene.ask(user="Ada")
    assert first["job_id"] == scene.ask(user="aDA")["job_id"]
    scene.settle()
    assert "fresh" == scene.ask(user="ADA")["state"]


def test_a_period_that_is_over_stays_fresh_for_longer() -> None:
    """What was done in it does not change any more."""
    scene = Scene()
    scene.made(period="2026-Q2")
    scene.age(86_400)
    assert "fresh" == scene.ask(period="2026-Q2")["state"]


def test_the_copy_of_a_process_is_no_reason_for_a_second_job() -> None:
    """Whose visit may have it made looks at the table first."""
    scene = Scene()
    scene.made()
    scene.age(3_596)
    other = scene.new_cache()
    scene.ask(as_=None)
    scene.age(4)
    scene.context.reports._cache, mine = other, scene.context.reports._cache
    job_id = scene.ask()["job_id"]
    scene.settle()
    scene.context.reports._cache = mine
    assert (None, True) == (scene.ask()["job_id"], job_id is not None)


@pytest.mark.parametrize(("level", "calls"), [("l1", 0), ("l2", 1)])
@pytest.mark.parametrize("state", ["fresh", "stale"])
def test_a_cached_report_costs_next_to_nothing(state: str, level: str, calls: int) -> None:
    """No call from the process's copy, one from the table; with its notices."""
    scene = Scene()
    scene.made()
    scene.age(10 if state == "fresh" else 3_700)
    scene.ask(as_=None)
    if level == "l2":
        scene.age(6)
    before = len(scene.dynamo.meter.calls)
    answer: Any = scene.ask(as_=None)
    assert (state, calls) == (answer["state"], len(scene.dynamo.meter.calls) - before)
