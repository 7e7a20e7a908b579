"""Signing in and out by forms: sessions in cookies, and what is refused."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from nightshift.reports.settings import ReportSettings
from tests.contract.door import PASSWORD
from tests.contract.site import ANNA, PAGE, Site
from tests.support.browser import SITE, Browser

WRONG = "The e-mail address or the password is wrong."
ACCESS_S = 900
GRACE_S = 10


def is_signed_in(browser: Browser) -> bool:
    """Tell whether the site knows who the browser's user is."""
    return any(form.button == "Log out" for form in browser.get("/reports").forms)


def test_signing_in_leads_on_and_out_again_back() -> None:
    """To the page that one came from."""
    site = Site()
    browser = site.browser()
    page = site.sign_in(browser, ANNA, way=PAGE)
    assert (PAGE, True) == (page.address, is_signed_in(browser))
    page = browser.submit(page, "Log out")
    assert (PAGE, False) == (page.address, is_signed_in(browser))
    assert {"nightshift_form"} == {name.removeprefix("__Host-") for name in browser.cookies}


def test_a_session_of_a_browser_is_one_of_the_accounts() -> None:
    """It stands in the list, and ending it there ends it here."""
    site = Site()
    browser = site.browser(ANNA)
    token = site.anna["access_token"]
    sessions = site.door("GET", "/sessions", token=token).json["items"]
    (here,) = [one for one in sessions if not one["current"]]
    site.door("DELETE", f"/sessions/{here['id']}", token=token)
    assert not is_signed_in(browser)
    assert browser.cookie("session") is None
    ended = site.world.actions("auth.refused")
    assert "token_revoked" == ended[-1]["error"]


def test_signing_out_ends_the_session_itself() -> None:
    """What somebody has copied of it is of no use any more."""
    site = Site()
    browser = site.browser(ANNA)
    copied = replace(browser, cookies=dict(browser.cookies))
    browser.submit(browser.get("/reports"), "Log out")
    assert not is_signed_in(copied)


def test_signing_in_over_a_session_ends_it() -> None:
    """A form that was shown before another tab signed in leaves one session, the new one."""
    site = Site()
    browser = site.browser()
    form = browser.get("/login")
    site.sign_in(browser, ANNA)
    copied = replace(browser, cookies=dict(browser.cookies))
    browser.submit(form, "Log in", email=ANNA, password=PASSWORD)
    assert (True, False) == (is_signed_in(browser), is_signed_in(copied))


def test_the_password_can_be_filled_in_and_not_read() -> None:
    """By a password manager, and by nobody who looks on."""
    page = Site().browser().get("/login")
    (field,) = re.findall(r"<input[^>]*name=\"password\"[^>]*>", page.text)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page.text


def test_cookies_are_out_of_reach() -> None:
    """Of scripts, of other sites, of plain http, and the refresh token of all pages but one."""
    browser = Site().browser(ANNA)
    access, refresh = browser.set_cookies[-2:]
    assert access.startswith("__Host-nightshift_session=ey")
    assert refresh.startswith("__Secure-nightshift_refresh=nsr_")
    assert access.endswith("; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure")
    assert refresh.endswith("; Path=/session; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure")


def test_the_local_stack_speaks_plain_http() -> None:
    """So its cookies are not marked as those of https, which some browsers would drop."""
    browser = Site(stage="local").browser(ANNA)
    assert {"nightshift_session", "nightshift_refresh", "nightshift_form"} == set(browser.cookies)
    assert not any("Secure" in line for line in browser.set_cookies)


def test_a_visit_carries_the_session_on() -> None:
    """An expired access token is exchanged on the way, by redirects, without scripts."""
    site = Site()
    browser = site.browser(ANNA)
    first = browser.cookie("session")
    site.clock.advance(seconds=ACCESS_S + 60)
    page = browser.get(f"{PAGE}?period=90d")
    way = f"{PAGE}?period=90d"
    assert (f"307 /session?next={quote(way, safe='')}", f"307 {way}") == page.hops
    assert (200, True, True) == (
        page.status,
        first != browser.cookie("session"),
        is_signed_in(browser),
    )


def test_a_form_that_was_left_open_is_still_good() -> None:
    """Its method and what was filled in survive the exchange, and so does its token."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser(ANNA)
    page = browser.get(PAGE)
    site.clock.advance(seconds=ACCESS_S + 60)
    page = browser.submit(page, "Refresh now")
    assert ["307", "307", "303"] == [hop[:3] for hop in page.hops]
    assert "Regenerating" in page.words


def test_two_tabs_that_come_at_once_both_stay() -> None:
    """The second exchange of one refresh token within the grace gives what the first gave."""
    site = Site()
    browser = site.browser(ANNA)
    other = replace(browser, cookies=dict(browser.cookies))
    site.clock.advance(seconds=ACCESS_S + 60)
    assert is_signed_in(browser)
    site.clock.advance(seconds=GRACE_S - 1)
    assert is_signed_in(other)
    assert browser.cookie("refresh") == other.cookie("refresh")


def test_a_stolen_refresh_token_ends_the_session_of_both() -> None:
    """Whoever comes second, after the grace, comes for nothing; and so does the first then."""
    site = Site()
    browser = site.browser(ANNA)
    thief = replace(browser, cookies=dict(browser.cookies))
    site.clock.advance(seconds=ACCESS_S + 60)
    assert is_signed_in(thief)
    site.clock.advance(seconds=GRACE_S + 1)
    assert (False, False) == (is_signed_in(browser), is_signed_in(thief))
    assert 1 == len(site.world.actions("session.reuse_detected"))


def test_a_form_after_the_end_of_a_session_does_nothing_and_asks_to_sign_in() -> None:
    """The way back is kept."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser(ANNA)
    page = browser.get(PAGE)
    site.clock.advance(seconds=ACCESS_S + 60)
    browser.cookies = {n: v for n, v in browser.cookies.items() if "refresh" not in n}
    page = browser.submit(page, "Refresh now")
    assert f"/login?next={quote(PAGE, safe='')}" == page.address
    assert "Regenerating" not in site.browser().get(PAGE).words


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ANNA, "wrong password"),
        ("nobody@example.com", "correct horse battery"),
        ("no address", "x"),
        (f"{'a' * 300}@example.com", "x"),
        (ANNA, "x" * 2000),
        ("", ""),
    ],
)
def test_a_refused_sign_in_tells_nothing(email: str, password: str) -> None:
    """The same words whether there is such an account or not; the address stays filled in."""
    site = Site()
    browser = site.browser()
    page = site.sign_in(browser, email, password, way=PAGE)
    assert (422, True) == (page.status, WRONG in page.words)
    assert {"email": email[:254], "password": "", "next": PAGE} == {
        name: value for name, value in page.form("Log in").fields.items() if name != "form_token"
    }
    assert browser.cookie("session") is None
    assert site.sign_in(browser, ANNA).status == 200


def test_too_many_attempts_are_told_when_to_come_back() -> None:
    """Right or wrong, known or not: 429 with the time, until it is over."""
    site = Site(environ={"NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "2"})
    browser = site.browser()
    for who in (ANNA, "nobody@example.com"):
        for _ in range(3):
            page = site.sign_in(browser, who, "wrong password")
        assert (429, True) == (page.status, "Try again in" in page.words)
        assert int(page.headers["retry-after"]) >= 1
    refused = site.sign_in(browser, ANNA)
    assert 429 == refused.status
    site.clock.advance(seconds=int(refused.headers["retry-after"]) + 1)
    assert 200 == site.sign_in(browser, ANNA).status


def _elsewhere(browser: Browser) -> None:
    browser.headers["sec-fetch-site"] = "cross-site"


def _next_door(browser: Browser) -> None:
    browser.headers["sec-fetch-site"] = "same-site"


def _silent(browser: Browser) -> None:
    browser.headers["sec-fetch-site"] = ""


def _older_elsewhere(browser: Browser) -> None:
    browser.headers |= {"sec-fetch-site": "", "origin": "https://evil.test"}


def _older_hidden(browser: Browser) -> None:
    browser.headers |= {"sec-fetch-site": "", "origin": "null"}


FOREIGN = [_elsewhere, _next_door, _silent, _older_elsewhere, _older_hidden]


@pytest.mark.parametrize("come_from", FOREIGN)
@pytest.mark.parametrize("button", ["Refresh now", "Log out"])
def test_a_form_from_elsewhere_does_nothing(
    button: str, come_from: Callable[[Browser], None]
) -> None:
    """Even with the right token in it."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser(ANNA)
    page = browser.get(PAGE)
    come_from(browser)
    answer = browser.submit(page, button)
    browser.headers.clear()
    assert (403, "sent from another site" in answer.words) == (answer.status, True)
    assert "Up to date" in browser.get(PAGE).words
    assert is_signed_in(browser)


@pytest.mark.parametrize("come_from", FOREIGN)
def test_nobody_is_signed_in_from_elsewhere(come_from: Callable[[Browser], None]) -> None:
    """Not as somebody else either."""
    browser = Site().browser()
    page = browser.get("/login")
    come_from(browser)
    answer = browser.submit(page, "Log in", email=ANNA, password="correct horse battery")
    assert (403, None) == (answer.status, browser.cookie("session"))


def test_an_older_browser_names_this_site_as_origin() -> None:
    """Its forms work."""
    site = Site()
    browser = site.browser()
    browser.headers |= {"sec-fetch-site": "", "origin": SITE}
    assert 200 == site.sign_in(browser, ANNA).status
    assert is_signed_in(browser)


@pytest.mark.parametrize("token", ["", "x", None])
@pytest.mark.parametrize("button", ["Refresh now", "Log out"])
def test_a_form_without_its_token_does_nothing(button: str, token: str | None) -> None:
    """Nor does one with the token of another session of the same user."""
    site = Site()
    site.prepare("fresh")
    browser, other = site.browser(ANNA), site.browser(ANNA)
    taken = other.get(PAGE).form(button).fields["form_token"] if token is None else token
    answer = browser.submit(browser.get(PAGE), button, form_token=taken)
    assert (403, "out of date" in answer.words) == (answer.status, True)
    assert ("Up to date" in browser.get(PAGE).words, is_signed_in(browser)) == (True, True)


@pytest.mark.parametrize("token", ["", "x", None])
def test_nobody_is_signed_in_by_a_form_that_another_browser_was_shown(token: str | None) -> None:
    """The form is tied to the browser by a cookie; it is shown again, tied anew."""
    site = Site()
    browser, other = site.browser(), site.browser()
    taken = other.get("/login").form("Log in").fields["form_token"] if token is None else token
    said = {"email": ANNA, "password": "correct horse battery"}
    page = browser.submit(browser.get("/login"), "Log in", form_token=taken, **said)
    assert (403, None) == (page.status, browser.cookie("session"))
    assert 200 == browser.submit(page, "Log in", **said).status


@pytest.mark.parametrize(
    "way",
    [
        "//evil.test", "https://evil.test", "/\\evil.test", "/\t/evil.test", "/\n/evil.test",
        "javascript:alert(1)", "evil.test", "", " /reports/ada", "/a\\b", "/ä", "/" + "x" * 2000,
        "/session?next=/session", "/logout", "/login?next=/login",
    ],
)  # fmt: skip
def test_signing_in_leads_to_this_site_alone(way: str) -> None:
    """Whatever the address asks for, and whatever the form says."""
    site = Site()
    browser = site.browser()
    assert "/reports" == site.sign_in(browser, ANNA, way=quote(way, safe="")).address
    assert "/reports" == browser.get(f"/login?next={quote(way, safe='')}").address
    page = browser.post("/logout", browser.get("/reports").form("Log out").fields | {"next": way})
    assert "/reports" == page.address


def test_who_has_signed_in_sees_no_form() -> None:
    """But where it would have led."""
    page = Site().browser(ANNA).get(f"/login?next={PAGE}")
    assert (PAGE, (f"303 {PAGE}",)) == (page.address, page.hops)


@pytest.mark.parametrize("value", ["x", "ey.ey.ey", "", "nsr_" + "A" * 120, "a" * 5000])
def test_a_cookie_that_is_no_session_is_nobody(value: str) -> None:
    """And no error."""
    browser = Site().browser()
    browser.cookies["__Host-nightshift_session"] = (value, "/")
    browser.cookies["__Secure-nightshift_refresh"] = (value, "/session")
    assert not is_signed_in(browser)
    assert 200 == browser.get("/session?next=/reports").status


def test_nothing_of_a_session_is_logged() -> None:
    """Neither tokens nor addresses nor the password."""
    site = Site(settings=ReportSettings(task_timeout_seconds=100))
    browser = site.browser(ANNA)
    site.clock.advance(seconds=ACCESS_S + 60)
    browser.submit(browser.get("/reports"), "Log out")
    logged = site.world.logged.getvalue()
    secrets = [line.partition("=")[2].partition(";")[0] for line in browser.set_cookies]
    found = [one for one in [*filter(None, secrets), ANNA, "correct horse"] if one in logged]
    assert ([], True) == (found, "http.request" in logged)


def test_a_provider_leads_in_and_on() -> None:
    """The form offers the configured one; who comes back from it has signed in, and goes on."""
    site = Site()
    browser = site.browser()
    form = browser.get(f"/login?next={PAGE}")
    page = site.sign_in_there(browser, form, "248289761001", "new@example.com")
    assert (PAGE, True) == (page.address, is_signed_in(browser))


def test_a_provider_that_leads_nowhere_is_told_in_words() -> None:
    """Beside the form, which can be used instead, and still leads on."""
    browser = Site().browser()
    way = browser.get(f"/login?next={PAGE}").links["Continue with Staff"]
    browser.follows = False
    asked = parse_qs(urlsplit(browser.get(way).headers["location"]).query)
    browser.follows = True
    answer = urlencode({"error": "access_denied", "state": asked["state"][0]})
    page = browser.get(f"{urlsplit(asked['redirect_uri'][0]).path}?{answer}")
    assert "The sign-in was cancelled there, or refused." in page.words
    page = browser.submit(page, "Log in", email=ANNA, password=PASSWORD)
    assert (PAGE, True) == (page.address, is_signed_in(browser))
    assert "did not work" in Site().browser().get("/login?oidc_error=whatever").words
