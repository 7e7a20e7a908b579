"""The page of a report: every row of visitor, state and force, and what it says of itself."""

import json
import re
from dataclasses import dataclass

import pytest

from nightshift.console.report.query import LOOKS
from nightshift.github_stand_in.service import Trouble
from nightshift.reports import keys
from nightshift.reports.settings import ReportSettings
from tests.contract.site import ANNA, PAGE, USER, VERA, Site
from tests.unit.reports.test_states import orders

STATES = ("fresh", "stale", "missing", "regenerating")
VISITORS = {"nobody": None, "anna": ANNA, "vera": VERA}


@dataclass(frozen=True)
class Row:
    """What is there, who comes, and with force or not."""

    state: str
    who: str
    force: bool

    @property
    def makes_a_job(self) -> bool:
        """Tell whether there is to be a new job after the visit."""
        if self.who != "anna" or self.state == "regenerating":
            return False
        return self.force or self.state in {"stale", "missing"}

    @property
    def is_busy(self) -> bool:
        """Tell whether the page is to say that it is being made anew."""
        return self.makes_a_job or self.state == "regenerating"

    def __str__(self) -> str:
        return f"{self.state}-{self.who}{'-force' * self.force}"


ROWS = [Row(s, w, f) for s in STATES for w in VISITORS for f in (False, True)]
SAID = {"fresh": "Up to date", "stale": "This report is from", "missing": "There is no report"}
LOG_IN = {"stale": "Log in to refresh", "missing": "Log in to have it made"}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_visit_sees_what_there_is_and_what_can_be_done(row: Row) -> None:
    """A job where the visitor may and there is reason to; else the way to it, or none."""
    site = Site()
    site.prepare(row.state)
    browser = site.browser(VISITORS[row.who])
    before, asked = orders(site.scene), len(site.scene.asked())
    page = browser.get(PAGE + "?force=true" * row.force)
    assert 200 == page.status
    assert row.makes_a_job == bool(orders(site.scene) - before)
    assert asked == len(site.scene.asked()), "nobody waits for GitHub"
    assert ("Regenerating" if row.is_busy else SAID[row.state]) in page.words
    assert row.is_busy == ("refresh" in page.headers)
    assert (row.state == "missing") == ("pull requests merged" not in page.words)
    shown = LOG_IN.get(row.state) if row.who == "nobody" and not row.is_busy else None
    assert {shown} - {None} == set(LOG_IN.values()) & page.links.keys()
    may = row.who == "anna" and not row.is_busy
    assert may == any(form.button == "Refresh now" for form in page.forms)


def test_a_page_looks_again_by_itself_five_times_and_stops() -> None:
    """With a countdown, without scripts; its own looks are no visits."""
    site = Site()
    browser = site.browser(ANNA)
    page = browser.get(PAGE)
    for number in range(1, LOOKS + 1):
        assert f"5; url={PAGE}?look={number}" == page.headers["refresh"]
        left = LOOKS + 1 - number
        assert re.search(rf"Looks again in .* seconds, {left} times? at most", page.words)
        assert f"{PAGE}?look={LOOKS}" == page.links["Stop"]
        page = browser.get(f"{PAGE}?look={number}")
    assert ("refresh" in page.headers, True) == (False, "has stopped looking" in page.words)
    assert PAGE == page.links["Look again"]
    assert 1 == len(orders(site.scene))


def test_a_page_that_finds_it_made_shows_it_at_its_own_address_and_stops() -> None:
    """So that the address that one copies is the report's."""
    site = Site()
    browser = site.browser(ANNA)
    browser.get(f"{PAGE}?period=90d")
    site.scene.settle()
    page = browser.get(f"{PAGE}?period=90d&look=1")
    assert (f"{PAGE}?period=90d", (f"303 {PAGE}?period=90d",)) == (page.address, page.hops)
    assert ("refresh" in page.headers, True) == (False, "Up to date" in page.words)


def test_a_look_by_itself_has_nothing_made() -> None:
    """Even if the report is stale at once: a page left open is nobody who asks."""
    site = Site(settings=ReportSettings(task_timeout_seconds=100, report_fresh_s=0))
    browser = site.browser(ANNA)
    browser.get(PAGE)
    site.scene.settle()
    page = browser.get(f"{PAGE}?look=1")
    assert ("refresh" in page.headers, 1) == (False, len(orders(site.scene)))
    assert "This report is from" in page.words


def test_the_button_has_it_made_anew_and_leads_back() -> None:
    """By a form, so that no link and no picture elsewhere can."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser(ANNA)
    page = browser.submit(browser.get(PAGE), "Refresh now")
    assert (PAGE, (f"303 {PAGE}",)) == (page.address, page.hops)
    assert ("Regenerating" in page.words, "as it was" in page.words) == (True, True)


def test_the_button_of_a_page_that_was_shown_to_nobody_leads_to_sign_in_first() -> None:
    """And from there to the report."""
    site = Site()
    site.prepare("stale")
    browser = site.browser()
    page = browser.get(browser.get(PAGE).links["Log in to refresh"])
    assert "Log in" in page.words
    page = browser.submit(page, "Log in", email=ANNA, password="correct horse battery")
    assert (PAGE, True) == (page.address, "Regenerating" in page.words)
    form = site.browser().post(f"{PAGE}?period=90d", {})
    assert "/login?next=%2Freports%2Fada%3Fperiod%3D90d" == form.address


def test_who_may_only_look_can_send_no_form() -> None:
    """There is no button, and a form made up is refused."""
    site = Site()
    site.prepare("stale")
    browser = site.browser(VERA)
    page = browser.get(PAGE)
    assert ["Log out"] == [form.button for form in page.forms]
    before = orders(site.scene)
    token = page.form("Log out").fields["form_token"]
    answer = browser.post(PAGE, {"form_token": token})
    assert (403, before) == (answer.status, orders(site.scene))


@pytest.mark.parametrize("site_said", ["cross-site", "same-site", ""])
def test_force_in_an_address_counts_only_from_here(site_said: str) -> None:
    """A link elsewhere, or a browser that does not say, makes an ordinary visit of it."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser(ANNA)
    before = orders(site.scene)
    page = browser.get(f"{PAGE}?force=true", sec_fetch_site=site_said)
    assert ("Up to date" in page.words, before) == (True, orders(site.scene))


def test_when_github_fails_the_notice_says_why_and_the_old_report_stays() -> None:
    """For everybody, with the way on that each has; and the next try works."""
    site = Site()
    site.prepare("stale")
    troubles = site.scene.github.stand_in.troubles
    troubles.append(Trouble(pattern="/search", times=10_000, status=503))
    site.browser(ANNA).get(PAGE)
    site.scene.settle(30)
    nobody = site.browser().get(PAGE)
    assert "This report could not be refreshed. GitHub" in nobody.words
    assert ("Last tried" in nobody.words, "pull requests merged" in nobody.words) == (True, True)
    assert "Log in to refresh" in nobody.links
    troubles.clear()
    browser = site.browser(ANNA)
    page = browser.get(f"{PAGE}?look=5")
    page = browser.submit(page, "Try again now")
    assert "Regenerating" in page.words
    site.scene.settle()
    assert "Up to date" in browser.get(f"{PAGE}?look=1").words


def test_names_and_titles_cannot_break_out_of_the_page() -> None:
    """Whatever GitHub tells is text."""
    site = Site()
    site.prepare("fresh")
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    wish = site.scene.wish()
    key = keys.report(wish.user_key, wish.variant)
    found = site.scene.cache.get_exact(key)
    assert found.entry is not None
    body = found.entry.body.replace(b'"name":"Ada"', f'"name":{json.dumps(hostile)}'.encode())
    site.scene.cache.put(key, body, fresh_s=60, keep_s=60, marks=found.marks)
    page = site.browser().get(PAGE)
    assert ("<script" in page.text, "<img" in page.text) == (False, False)
    assert hostile in page.words


def test_another_report_on_the_same_person_is_one_link_away() -> None:
    """By period, and with the stars that were given in it."""
    page = Site().browser().get(f"{PAGE}?period=2026-Q3")
    assert f"{PAGE}?period=7d" == page.links["7 days"]
    assert PAGE == page.links["30 days"]
    assert f"{PAGE}?period=2026-Q3" == page.links["2026-Q3"]
    assert f"{PAGE}?period=2026-Q3&show_star_increase=true" == page.links["With new stars"]
    assert "the third quarter of 2026" in page.words


@pytest.mark.parametrize("name", ["-a", "a--b", "a_b", "x" * 40, "%3Cscript%3E", "a%20b", ".."])
def test_a_name_that_github_would_not_take_is_not_found(name: str) -> None:
    """With a word on what a name is like, and the form to try another."""
    site = Site()
    page = site.browser(ANNA).get(f"/reports/{name}")
    assert (404, True) == (page.status, "no such name on GitHub" in page.words)
    assert set() == orders(site.scene)


def test_a_wrong_period_is_refused_with_the_right_ones() -> None:
    """The form keeps the name."""
    page = Site().browser().get(f"{PAGE}?period=yesterday")
    assert (422, True) == (page.status, "A period is 7d" in page.words)
    assert USER == page.form("Show the report").fields["username"]


def test_the_form_leads_to_the_report() -> None:
    """With a plain address where nothing is out of the ordinary."""
    browser = Site().browser()
    form = browser.get("/reports")
    page = browser.submit(form, "Show the report", username=" @octocat ", period="30d")
    assert ("/reports/octocat", 200) == (page.address, page.status)
    stars = {"username": "octocat", "show_star_increase": "true"}
    page = browser.submit(form, "Show the report", **stars)
    assert "/reports/octocat?show_star_increase=true" == page.address


def test_somebody_who_did_nothing_has_a_page_too() -> None:
    """It says so, and draws nothing that is not there."""
    site = Site()
    site.scene.made(user="quiet-quinn")
    page = site.browser().get("/reports/quiet-quinn")
    assert "Quiet Quinn did nothing that can be seen in public." in page.words
    assert "Nothing was merged." in page.text
    assert "The latest pull" not in page.words


def test_what_is_left_out_is_said() -> None:
    """By week where there are many days, and of how many pull requests lines are known."""
    site = Site()
    site.scene.github.token = None
    site.scene.made(period="365d", show_star_increase=True)
    page = site.browser().get(f"{PAGE}?period=365d&show_star_increase=true")
    assert "Pull requests merged by week" in page.words
    assert re.search(r"Lines are those of 20 of \d+ pull requests\.", page.words)
    assert re.search(r"in \d+ files? of 20 requests", page.words)
    assert "Without new stars" in page.links
