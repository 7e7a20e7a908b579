"""The page of one's own sessions: which there are, and ending one, all others, all."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contract.site import ANNA, VERA, Site
from tests.support.browser import Browser, Page

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"


def is_signed_in(browser: Browser) -> bool:
    """Tell whether the site knows who the browser's user is."""
    return any(form.button == "Log out" for form in browser.get("/reports").forms)


def two(site: Site) -> tuple[Browser, Browser]:
    """Return two browsers of Anna's, of which the first is the one to look with."""
    phone = Browser(handler=site.handler, headers={"user-agent": SAFARI}, source_ip="192.0.2.77")
    site.sign_in(phone, ANNA)
    site.clock.advance(seconds=300)
    here = Browser(handler=site.handler, headers={"user-agent": FIREFOX})
    site.sign_in(here, ANNA)
    return here, phone


def end(browser: Browser, page: Page, wanted: str, **more: str) -> Page:
    """Press the button that ends a session, or `others`, or `all`."""
    (form,) = [form for form in page.forms if form.fields.get("session") == wanted]
    return browser.post(form.action, form.fields | more)


def ids(page: Page) -> list[str]:
    """Return the sessions that can be ended, as they stand."""
    found = [form.fields.get("session", "") for form in page.forms]
    return [one for one in found if re.fullmatch(r"[0-9a-f-]{36}", one)]


def test_sessions_are_told_as_their_owner_knows_them() -> None:
    """Device, address and times; this one first, marked."""
    here, _ = two(Site())
    page = here.get("/sessions")
    rows = page.text.split('<li class="row"')[1:]
    assert 3 == len(rows)
    assert "Firefox on Linux" in rows[0]
    assert "this one" in rows[0]
    (phone,) = [row for row in rows if "Safari on iPhone" in row]
    assert "192.0.2.77" in phone
    assert 2 == len(re.findall(r"\d+ \w+ 2026, \d\d:\d\d UTC", phone))
    assert "this one" not in phone
    assert 1 == page.words.count("this one")
    assert SAFARI not in page.text


def test_one_is_ended() -> None:
    """At its next request; the others go on."""
    here, phone = two(Site())
    page = here.get("/sessions")
    (row,) = [row for row in page.text.split('<li class="row"')[1:] if "iPhone" in row]
    (session,) = [one for one in ids(page) if one in row]
    page = end(here, page, session)
    assert ("The session is over." in page.words, len(ids(page))) == (True, 2)
    assert (True, False) == (is_signed_in(here), is_signed_in(phone))


def test_all_others_are_ended_at_once() -> None:
    """This one goes on, and can still be carried on later."""
    site = Site()
    here, phone = two(site)
    page = end(here, here.get("/sessions"), "others")
    assert ("All other sessions are over." in page.words, 1) == (True, len(ids(page)))
    assert (True, False) == (is_signed_in(here), is_signed_in(phone))
    assert "token_revoked" == site.door("GET", "/users/me", token=site.anna["access_token"]).error
    site.clock.advance(seconds=1_000)
    assert is_signed_in(here)
    assert "End all others" not in here.get("/sessions").words
    assert 1 == len(site.world.actions("session.ended_others"))


def test_who_ends_this_one_is_logged_out() -> None:
    """And whoever has copied it is so, too."""
    here, phone = two(Site())
    copied = replace(here, cookies=dict(here.cookies))
    page = here.get("/sessions")
    page = end(here, page, ids(page)[0])
    assert ("/login", None) == (page.address, here.cookie("session"))
    assert (False, True) == (is_signed_in(copied), is_signed_in(phone))


def test_everywhere_is_here_too() -> None:
    """All sessions are over."""
    here, phone = two(Site())
    copied = replace(here, cookies=dict(here.cookies))
    page = end(here, here.get("/sessions"), "all")
    assert ("/login", None) == (page.address, here.cookie("session"))
    assert (False, False) == (is_signed_in(copied), is_signed_in(phone))


def test_ending_one_twice_is_said() -> None:
    """Two windows showed it."""
    here, _ = two(Site())
    page = here.get("/sessions")
    (other, *_) = ids(page)[1:]
    end(here, page, other)
    assert "The session is over." in end(here, page, other).words


@pytest.mark.parametrize(
    "forge",
    [
        lambda theirs: theirs,
        lambda _: "",
        lambda _: "x" * 10_000,
        lambda _: "../USER",
        lambda theirs: theirs.upper() + "\n",
        lambda _: "01980000-0000-7000-8000-000000000000",
    ],
)
def test_nobody_ends_what_is_not_theirs(forge: Callable[[str], str]) -> None:
    """Nor what is no session; it is said that there is none."""
    site = Site()
    vera, anna = site.browser(VERA), site.browser(ANNA)
    (theirs, *_) = ids(vera.get("/sessions"))
    page = anna.get("/sessions")
    page = end(anna, page, ids(page)[0], session=forge(theirs))
    assert (200, "/sessions?done=gone") == (page.status, page.address)
    assert (True, True) == (is_signed_in(vera), is_signed_in(anna))


@pytest.mark.parametrize("wanted", ["others", "all"])
@pytest.mark.parametrize("token", ["", "x", None])
def test_a_form_without_its_token_ends_nothing(wanted: str, token: str | None) -> None:
    """Nor one with the token of another session of the same user."""
    site = Site()
    here, phone = two(site)
    other = phone.get("/sessions").forms[0].fields["form_token"]
    page = end(here, here.get("/sessions"), wanted, form_token=other if token is None else token)
    assert (403, True) == (page.status, "out of date" in page.words)
    assert (True, True) == (is_signed_in(here), is_signed_in(phone))


@pytest.mark.parametrize("origin", ["cross-site", "same-site", ""])
def test_a_form_from_elsewhere_ends_nothing(origin: str) -> None:
    """Even with the right token."""
    here, phone = two(Site())
    page = here.get("/sessions")
    here.headers["sec-fetch-site"] = origin
    assert 403 == end(here, page, "all").status
    del here.headers["sec-fetch-site"]
    assert (True, True) == (is_signed_in(here), is_signed_in(phone))


def test_a_stranger_signs_in_first() -> None:
    """And comes back; a form of a stranger ends nothing."""
    browser = Site().browser()
    assert "/login?next=%2Fsessions" == browser.get("/sessions").address
    assert "/login?next=%2Fsessions" == browser.post("/sessions", {"session": "all"}).address


def test_what_a_program_calls_itself_is_text() -> None:
    """A name that nobody else chose."""
    site = Site()
    browser = Browser(handler=site.handler, headers={"user-agent": "<script>alert(1)</script>"})
    site.sign_in(browser, ANNA)
    site.sign_in(replace(browser, headers={"user-agent": "curl<b>/8"}, cookies={}), ANNA)
    assert "<script" not in browser.get("/sessions").text
    assert "<b>" not in browser.get("/sessions").text


def test_another_site_cannot_have_it_said_that_something_was_done() -> None:
    """A link from elsewhere says nothing; nor does one say what no page says."""
    browser = Site().browser(ANNA)
    assert "over" not in browser.get("/sessions?done=others", sec_fetch_site="cross-site").words
    assert "made up" not in browser.get("/sessions?done=made+up").words
