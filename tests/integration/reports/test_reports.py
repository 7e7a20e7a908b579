"""Reports on a running stack: over HTTP, through queue, function and the stand-in of GitHub."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.stack.harness import Stack
from tests.integration.tasks.client import Client, Document
from tests.integration.tasks.receiver import wait_until

pytestmark = pytest.mark.stack

CROWD = 50


def _report(client: Client, user: str, query: str = "") -> Document:
    report: Document = client.expect(200, "GET", f"/reports/{user}?{query}")
    return report


def _wait_until_made(client: Client, user: str, query: str = "") -> Document:
    """Return the report as soon as nobody makes it any more."""
    wait_until(lambda: not _report(client, user, query)["is_regenerating"], "the report", 60)
    return _report(client, user, query)


def test_a_report_is_made_behind_whoever_is_signed_in(stack: Stack, client: Client) -> None:
    """A stranger finds none and makes none; then it is there for both, at once."""
    path = "/api/v1/reports/ada?show_star_increase=true"
    stranger = stack.get(path).json()
    assert ("missing", None) == (stranger["state"], stranger["job_id"])
    asked = _report(client, "ada", "show_star_increase=true")
    assert ("regenerating", None) == (asked["state"], asked["report"])
    job = client.expect(200, "GET", f"/jobs/{asked['job_id']}")
    assert ("report.generate", "low", "ada") == (job["kind"], job["queue"], job["subject"])
    made = _wait_until_made(client, "ada", "show_star_increase=true")
    assert ("fresh", None) == (made["state"], made["last_error"])
    assert made["report"] == stack.get(path).json()["report"]
    assert made["report"]["pull_requests"]["merged"] > 0
    assert made["report"]["stars"]["gained"] is not None
    again = _report(client, "ada", "show_star_increase=true&force=true")
    assert ("regenerating", made["generated_at"]) == (again["state"], again["generated_at"])


def test_fifty_who_ask_at_once_get_one_job(stack: Stack, client: Client) -> None:
    """Every answer is valid; two users are two jobs, other parameters of one wait for the first."""
    wishes = [("slow-sam", ""), ("slow-sue", ""), ("slow-sam", "period=7d")]

    def ask(number: int) -> Document:
        user, query = wishes[0 if number < CROWD else 1 + number % 2]
        return _report(client, user, query)

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(ask, range(CROWD + 10)))
    # On a busy machine the first report is there before the last has asked.
    assert {answer["state"] for answer in answers} <= {"regenerating", "fresh"}
    assert 1 == len({answer["job_id"] for answer in answers[:CROWD] if answer["job_id"]})
    jobs = {answer["job_id"] for answer in answers if answer["job_id"]}
    assert 3 == len(jobs)
    scheduled = [x for x in stack.logs("api") if x.get("action") == "report.scheduled"]
    assert jobs == {x["job_id"] for x in scheduled if x["username"].startswith("slow-")}
    for user, query in wishes:
        assert "fresh" == _wait_until_made(client, user, query)["state"]
    _check_never_two_of_one_user(stack, jobs)


def _check_never_two_of_one_user(stack: Stack, jobs: set[str]) -> None:
    """Read the log of the workers: who began, who ended, in order."""
    at_work: dict[str, str] = {}
    lines = [line for line in stack.logs("worker-low") if line.get("job_id") in jobs]
    for line in sorted(lines, key=_time):
        if line.get("action") == "job.started":
            assert line["subject"] not in at_work, line
            at_work[line["subject"]] = line["job_id"]
        elif line.get("action") == "job.completed":
            at_work.pop(line["subject"], None)
    assert {} == at_work


def _time(line: dict[str, Any]) -> str:
    return str(line["timestamp"])


def test_when_github_fails_the_notice_says_why(stack: Stack, client: Client) -> None:
    """And whoever asks again by force has it tried again."""
    assert "regenerating" == _report(client, "missing-somebody")["state"]
    failed = _wait_until_made(client, "missing-somebody")
    assert ("missing", "github_user_not_found") == (failed["state"], failed["last_error"]["error"])
    assert (
        failed["last_error"] == stack.get("/api/v1/reports/missing-somebody").json()["last_error"]
    )
    forced = _report(client, "missing-somebody", "force=true")
    assert ("regenerating", True) == (forced["state"], forced["job_id"] is not None)
