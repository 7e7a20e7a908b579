"""Making reports: what is in them, what happens when GitHub fails, and what it costs."""

import json
import tracemalloc
from typing import Any

import pytest

from nightshift.adapters.github import Bounds
from nightshift.github_stand_in.people import person
from nightshift.github_stand_in.service import Trouble
from nightshift.jobs.model import NOBODY, JobStatus
from nightshift.reports import keys
from nightshift.reports.http_cache import CachedAnswers
from nightshift.reports.settings import ReportSettings
from tests.support.faults import CrashError
from tests.unit.reports.scene import ANNA, VISITOR, Scene

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

STEPS = {
    "user": r"^/users/ada$",
    "pull requests": r"is%3Amerged",
    "sizes": r"/pulls/",
    "reviews": r"reviewed-by",
    "issues": r"is%3Aissue",
    "repositories": r"/repos\?",
    "stars": r"/stargazers",
}
ALWAYS = 10_000
TROUBLES: dict[str, dict[str, Any]] = {
    "github_unavailable": {"status": 502},
    "github_unavailable ": {"status": None},
    "github_refused": {"status": 401},
    "github_refused ": {"status": 403, "body": b'{"message": "Forbidden"}'},
    "github_malformed": {"status": 200, "body": b"<html>"},
    "github_malformed ": {"status": 200, "body": b'{"items": [{"number": "1"}]}'},
    "github_rate_limited": {"status": 429, "headers": {"retry-after": "90000"}},
    "github_rate_limited ": {"status": 403, "headers": {"retry-after": "40000"}},
}


def test_a_report_says_what_was_done() -> None:
    """Its sums agree with each other."""
    report = Scene().made(show_star_increase=True)["report"]
    merged = report["pull_requests"]
    assert merged["merged"] == merged["read"] == merged["sized"] > 5
    assert merged["merged"] == sum(r["merged"] for r in report["repositories"])
    assert merged["merged"] == sum(day["merged"] for day in report["activity"])
    assert merged["additions"] == sum(r["additions"] for r in report["repositories"])
    assert 30 == len(report["activity"])
    assert report["reviews"]["total"] == sum(r["count"] for r in report["reviews"]["repositories"])
    assert report["issues"]["closed"] <= report["issues"]["total"]
    own = [p for p in person("ada").own if not p.is_fork and p.stars]
    assert report["stars"]["total"] == sum(p.stars for p in own)
    assert report["stars"]["gained"] == sum(r["gained"] for r in report["stars"]["repositories"])
    assert report["stars"]["is_whole"]
    assert report["languages"][0]["pull_requests"] >= report["languages"][-1]["pull_requests"]
    assert [] == report["notes"]


def test_star_increase_is_another_report_and_costs_what_it_costs() -> None:
    """Without it no stargazer is asked for, and the increase is not known."""
    scene = Scene()
    plain = scene.made()["report"]
    assert not [target for target in scene.asked() if "stargazers" in target]
    assert (None, False) == (plain["stars"]["gained"], plain["stars"]["is_whole"])
    assert {None} == {r["gained"] for r in plain["stars"]["repositories"]}
    assert "missing" == scene.ask(as_=None, show_star_increase=True)["state"]


def test_longer_periods_are_shown_by_week() -> None:
    """From Mondays on."""
    report = Scene().made(period="2026-Q2")["report"]
    assert "2026-03-30" == report["activity"][0]["since"]
    assert 14 == len(report["activity"])
    assert "2026-04-01T00:00:00Z" == report["period"]["since"]
    assert "2026-07-01T00:00:00Z" == report["period"]["until"]


def test_somebody_who_did_nothing_has_a_report() -> None:
    """Of zeros."""
    scene = Scene()
    scene.ask(user="quiet-one", show_star_increase=True)
    scene.settle()
    report = scene.ask(as_=None, user="quiet-one", show_star_increase=True)["report"]
    assert (0, 0, 0, []) == (
        report["pull_requests"]["merged"],
        report["stars"]["total"],
        report["stars"]["gained"],
        report["repositories"],
    )


def test_without_a_token_less_is_asked_for() -> None:
    """GitHub answers sixty questions an hour then."""
    scene = Scene()
    scene.github.token = None
    report = scene.made(show_star_increase=True, period="365d")["report"]
    assert report["pull_requests"]["sized"] == 20 < report["pull_requests"]["merged"]
    assert len(scene.asked()) < 60
    assert "of 20 of" in report["notes"][0]


def test_every_step_is_logged_with_job_user_and_period() -> None:
    """So that one can see where it was."""
    scene = Scene()
    scene.made(show_star_increase=True)
    lines = scene.lines("report.scheduled", "report.step", "report.made")
    assert [None, *STEPS, "keeping", None] == [line.get("step") for line in lines]
    assert {("ada", "30d")} == {(line["username"], line["period"]) for line in lines}
    assert 1 == len({line["job_id"] for line in lines})


def test_whoever_asked_is_told_that_it_is_ready() -> None:
    """On the bus, once, however often the job ends."""
    scene = Scene()
    scene.made()
    (event,) = [e for e in scene.world.bus.events.values() if e.type == "report.ready"]
    assert (ANNA, "ada", "30d") == (event.user_id, event.data["username"], event.data["period"])


@pytest.mark.parametrize("step", STEPS)
def test_when_github_fails_the_old_report_stays(step: str) -> None:
    """Whatever fails at whatever step: the notice says why, and the next try works."""
    scene = Scene(settings=ReportSettings(task_timeout_seconds=100, report_fresh_s=200))
    scene.github.cache = CachedAnswers(scene.cache, fresh_s=1)
    scene.http = scene.github.http()
    for trouble, how in TROUBLES.items():
        old = scene.made(show_star_increase=True)
        assert ("fresh", None) == (old["state"], old["last_error"]), trouble
        scene.age(61)
        scene.github.stand_in.troubles.append(Trouble(pattern=STEPS[step], times=ALWAYS, **how))
        scene.ask(show_star_increase=True)
        scene.settle(minutes=3)
        failed = scene.ask(as_=None, show_star_increase=True)
        assert ("stale", trouble.strip()) == (failed["state"], failed["last_error"]["error"])
        assert old["report"] == failed["report"]
        assert failed["last_error"]["message"].endswith(".")
        scene.github.stand_in.troubles.clear()
        scene.age(61)


def test_after_a_failure_only_force_tries_at_once() -> None:
    """Whoever polls sees the failure, and does not begin anew each time."""
    scene = Scene()
    assert "regenerating" == scene.ask(user="missing-one")["state"]
    scene.settle(minutes=0.1)
    for _ in range(3):
        answer = scene.ask(user="missing-one")
        assert ("missing", "github_user_not_found") == (
            answer["state"],
            answer["last_error"]["error"],
        )
    forced = scene.ask(user="missing-one", force=True)
    assert ("regenerating", "github_user_not_found") == (
        forced["state"],
        forced["last_error"]["error"],
    )
    scene.settle(minutes=0.1)
    scene.age(61)
    assert "regenerating" == scene.ask(user="missing-one")["state"]


def test_a_user_who_was_renamed_is_told_by_the_new_name() -> None:
    """By the number that an earlier report knows."""
    scene = Scene()
    scene.made()
    scene.age(3_700)
    scene.github.stand_in.renames["ada"] = "lovelace"
    scene.ask()
    scene.settle()
    answer = scene.ask(as_=None)
    assert ("stale", "github_user_renamed") == (answer["state"], answer["last_error"]["error"])
    assert "called lovelace now" in answer["last_error"]["message"]
    scene.ask(user="lovelace")
    scene.settle()
    assert "fresh" == scene.ask(as_=None, user="lovelace")["state"]


def test_what_passes_fails_no_report() -> None:
    """Errors of a minute cost a retry, not the report; nothing is asked twice for it."""
    scene = Scene()
    scene.github.stand_in.troubles.append(Trouble(pattern="reviewed-by", times=4, status=502))
    scene.ask()
    scene.settle(minutes=5)
    answer = scene.ask(as_=None)
    assert "fresh" == answer["state"]
    good = [target for target in scene.asked() if "reviewed-by" not in target]
    assert len(good) == len(set(good))


def test_a_long_limit_puts_the_job_off_and_the_notice_says_so() -> None:
    """It costs no retry, and goes on where it was."""
    scene = Scene()
    scene.github.stand_in.troubles.append(
        Trouble(pattern="reviewed-by", times=1, status=403, headers={"retry-after": "1800"})
    )
    job_id = scene.ask()["job_id"]
    scene.settle(minutes=10)
    waiting = scene.ask(as_=None)
    assert ("regenerating", job_id) == (waiting["state"], waiting["job_id"])
    assert "limit" in waiting["progress"]["note"]
    scene.settle(minutes=30)
    assert "fresh" == scene.ask(as_=None)["state"]
    assert 1 == sum("is%3Amerged" in target for target in scene.asked())


def test_a_worker_that_dies_is_replaced_and_does_not_begin_anew() -> None:
    """What GitHub has answered need not be asked again."""
    scene = Scene()
    serve = scene.github.handler
    died: list[str] = []

    def dying(request: Any) -> Any:
        if "reviewed-by" in str(request.url) and not died:
            died.append("here")
            raise CrashError
        return serve(request)

    scene.github.handler = dying
    scene.ask()
    scene.settle(minutes=0.2)
    assert "regenerating" == scene.ask(as_=None)["state"]
    scene.settle(minutes=20)
    assert "fresh" == scene.ask(as_=None)["state"]
    assert len(scene.asked()) == len(set(scene.asked()))


def test_other_reports_on_the_same_user_wait_and_others_users_do_not() -> None:
    """One at a time for a reported user, whoever asks."""
    scene = Scene()
    serve = scene.github.handler
    seen: list[set[str]] = []

    def watching(request: Any) -> Any:
        orders = [r for r in scene.dynamo.items("jobs") if NOBODY in str(r["pk"])]
        views = [scene.world.machine.jobs.view(NOBODY, str(r["sk"])) for r in orders]
        running = {v.ref.job_id for v in views if v.status is JobStatus.PROCESSING}
        seen.append({v.ref.subject for v in views if v.ref.job_id in running})
        busy = [v.ref.subject for v in views if v.ref.job_id in running]
        assert len(busy) == len(set(busy)), "two of one user at a time"
        return serve(request)

    scene.github.handler = watching
    first = scene.ask(period="30d")["job_id"]
    second = scene.ask(period="7d")["job_id"]
    third = scene.ask(user="grace")["job_id"]
    assert 3 == len({first, second, third})
    scene.settle(minutes=10)
    for query in ({"period": "30d"}, {"period": "7d"}, {"user": "grace"}):
        assert "fresh" == scene.ask(as_=None, **query)["state"]
    assert {"ada", "grace"} in seen


def test_three_thousand_pull_requests_stay_within_bounds() -> None:
    """Requests and memory are bounded, progress is told, and it takes more than one turn."""
    scene = Scene(settings=ReportSettings(task_timeout_seconds=100))
    wish = scene.wish("prolific", "90d")
    scene.context.reports.look(wish, VISITOR)
    told: list[str] = []
    serve = scene.github.handler

    def watching(request: Any) -> Any:
        progress = scene.context.reports.look(wish, VISITOR, exact=True).progress
        if progress is not None:
            told.append(f"{progress.note} {progress.done}/{progress.total}")
        return serve(request)

    scene.github.handler = watching
    tracemalloc.start()
    scene.settle(minutes=15)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer = scene.ask(as_=None, user="prolific", period="90d")
    assert "fresh" == answer["state"]
    assert 2_900 < answer["report"]["pull_requests"]["merged"]
    assert answer["report"]["pull_requests"]["read"] == answer["report"]["pull_requests"]["merged"]
    assert len(scene.asked()) < 200
    assert peak < 64 * 1_048_576
    assert len({line.split()[0] for line in told}) >= 3
    assert len(json.dumps(answer)) < 64_000


def test_a_report_is_as_large_as_it_may_be_and_no_larger() -> None:
    """Beyond the bound pull requests are counted, not read, and the report says so."""
    scene = Scene(bounds=Bounds(pull_requests=500))
    scene.ask(user="prolific", period="90d")
    scene.settle(minutes=10)
    report = scene.ask(as_=None, user="prolific", period="90d")["report"]
    assert (500, True) == (
        report["pull_requests"]["read"],
        report["pull_requests"]["merged"] > 2_900,
    )
    assert "newest 500 of" in " ".join(report["notes"])


def test_an_invalidated_user_is_missing_in_all_reports() -> None:
    """By the one tag that they share."""
    scene = Scene()
    scene.made()
    scene.made(period="7d")
    scene.cache.delete_tag(keys.user_tag("ada"))
    states = [scene.ask(as_=None, period=p)["state"] for p in ("7d", "30d")]
    assert ["missing", "missing"] == states
