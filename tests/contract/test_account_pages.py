"""The page of one's own account: how it stands, what can be done to it, and what is refused."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.account import do, form_of, linked, without_password
from tests.contract.apps import set_flag
from tests.contract.door import PASSWORD
from tests.contract.site import ANNA, VERA, Site
from tests.support.browser import Browser, Form

NEW = "fresh walnut Harbour 31"
NASTY = '"><script>alert(1)</script>'
MAILS = {"weekly_summary", "monthly_report", "task_alerts"}


@pytest.fixture
def site() -> Site:
    """The site, whose mail goes out."""
    site = Site()
    site.email.is_silent = False
    return site


def me(site: Site) -> Any:
    """Return Anna as the API shows her, or None."""
    body = {"email": ANNA, "password": PASSWORD}
    answer = site.door("POST", "/auth/login", json_body=body)
    return answer.json["user"] if answer.status == 200 else None


def preferences(site: Site) -> Any:
    """Return what Anna prefers."""
    token = site.door("POST", "/auth/login", json_body={"email": ANNA, "password": PASSWORD})
    return site.door("GET", "/users/me/preferences", token=token.json["access_token"]).json


def test_the_account_is_shown_to_whom_it_is(site: Site) -> None:
    """Name, address, whether it is verified; every page leads there."""
    browser = site.browser(ANNA)
    assert "/account" == browser.get("/reports").links["Account"]
    page = browser.get("/account")
    assert ANNA in page.words
    assert "not verified" in page.words
    assert "/sessions" == page.links["where you are logged in"]
    assert "no-store" == page.headers["cache-control"]
    assert VERA not in page.words


def test_a_stranger_signs_in_first(site: Site) -> None:
    """And comes back; a form of a stranger does nothing."""
    browser = site.browser()
    assert "/login?next=%2Faccount" == browser.get("/account").address
    assert "Account" not in browser.get("/reports").links
    assert "/login?next=%2Faccount" == browser.post("/account", {"act": "delete"}).address


def test_a_name_is_changed(site: Site) -> None:
    """And shown as text, whatever it is."""
    browser = site.browser(ANNA)
    page = do(browser, "name", name=f" {NASTY} ")
    assert ("/account?done=name", True) == (page.address, "Your name is changed." in page.words)
    assert NASTY == me(site)["name"]
    assert (True, False) == (NASTY in page.words, "<script" in page.text)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\r\nBcc: b@c.d", "a\u202eb"])
def test_a_name_that_is_none_is_refused(site: Site, name: str) -> None:
    """Beside the field, with what was typed in it."""
    page = do(site.browser(ANNA), "name", name=name)
    assert 422 == page.status
    (field,) = re.findall(r'<input id="name-name"[^>]*>', page.text)
    assert 'aria-describedby="name-name-hint name-name-wrong"' in field
    assert name.partition("\r")[0] in form_of(page, "name").fields["name"]
    assert "Ada" == me(site)["name"]


def test_of_two_windows_the_second_sees_what_the_first_did(site: Site) -> None:
    """Nothing is overwritten unseen."""
    browser = site.browser(ANNA)
    for act, first, second in (
        ("name", {"name": "Anna One"}, {"name": "Anna Two"}),
        ("preferences", {"locale": "de"}, {"locale": "fr"}),
    ):
        form = form_of(browser.get("/account"), act)
        browser.post("/account", form.fields | first)
        page = browser.post("/account", form.fields | second)
        assert (412, True) == (page.status, "changed elsewhere meanwhile" in page.words)
    assert ("Anna One", "de") == (me(site)["name"], preferences(site)["locale"])


def test_a_password_is_changed(site: Site) -> None:
    """This session goes on, the others are over, and the new password is good."""
    here, other = site.browser(ANNA), site.browser(ANNA)
    page = do(here, "password", current_password=PASSWORD, new_password=NEW)
    assert "Your password is changed" in page.words
    assert "/login?next=%2Faccount" == other.get("/account").address
    assert "/account" == here.get("/account").address
    assert (422, 200) == (
        site.sign_in(site.browser(), ANNA).status,
        site.sign_in(site.browser(), ANNA, NEW).status,
    )


@pytest.mark.parametrize(
    ("current", "new", "words", "field"),
    [
        ("wrong password", NEW, "The current password is wrong.", ""),
        ("", NEW, "The current password is missing.", "current_password"),
        ("x" * 2_000, NEW, "has 1024 characters at most", "current_password"),
        (PASSWORD, "", "A password has 8 to 128", "new_password"),
        (PASSWORD, "short", "A password has 8 to 128", "new_password"),
        (PASSWORD, "password1", "among the most common", "new_password"),
    ],
)
def test_a_password_that_is_refused_stays(
    site: Site, current: str, new: str, words: str, field: str
) -> None:
    """And nothing of what was typed comes back."""
    here, other = site.browser(ANNA), site.browser(ANNA)
    page = do(here, "password", current_password=current, new_password=new)
    assert (422, True) == (page.status, words in page.words)
    assert ([f"password-{field}"] if field else []) == re.findall(
        r'<input id="([\w-]+)"[^>]*aria-invalid', page.text
    )
    fields = form_of(page, "password").fields
    assert ("", "") == (fields["current_password"], fields["new_password"])
    assert not re.search(r'type="password"[^>]*value=', page.text)
    assert "/account" == other.get("/account").address


def test_guessing_the_current_password_is_slowed_down(site: Site) -> None:
    """As at the login, whatever form it is for; with the time to wait."""
    site = Site(environ={"NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "2"})
    browser = site.browser(ANNA)
    acts: list[dict[str, str]] = [
        {"act": "password", "new_password": NEW},
        {"act": "delete"},
        {"act": "address", "email": "new@example.com"},
    ]
    for said in acts:
        page = do(browser, **said, current_password="wrong password")
    page = do(browser, "delete", current_password=PASSWORD)
    assert (429, True) == (page.status, "Try again in" in page.words)
    assert int(page.headers["retry-after"]) >= 1
    assert "/account" == browser.get("/account").address


def test_another_link_is_mailed_until_the_address_is_verified(site: Site) -> None:
    """Then there is no button any more."""
    browser = site.browser(ANNA)
    assert "A mail with a new link is on its way." in do(browser, "resend").words
    old = form_of(browser.get("/account"), "resend")
    reader = site.browser()
    reader.submit(reader.get(site.mailed("/verify-email")), "Verify my address")
    page = browser.get("/account")
    assert ("verified" in page.words, "not verified" in page.words) == (True, False)
    assert "resend" not in {form.fields.get("act") for form in page.forms}
    assert 409 == browser.post("/account", old.fields).status


def test_an_address_is_changed_by_a_link_that_was_mailed_there(site: Site) -> None:
    """Until it is followed, nothing changes."""
    browser = site.browser(ANNA)
    page = do(browser, "address", email="new@example.com", current_password=PASSWORD)
    assert "A mail is on its way to the new address." in page.words
    assert f"{ANNA} is to become new@example.com" in page.words
    reader = site.browser()
    link = site.mailed("/verify-email", "new@example.com")
    reader.submit(reader.get(link), "Verify my address")
    assert "new@example.com verified" in browser.get("/account").words


def test_an_address_is_not_changed_without_the_password(site: Site) -> None:
    """What was typed stays, but the password."""
    browser = site.browser(ANNA)
    page = do(browser, "address", email="new@example.com", current_password="wrong password")
    assert (422, "new@example.com") == (page.status, form_of(page, "address").fields["email"])
    assert '<details class="more" open>' in page.text
    assert "" == form_of(page, "address").fields["current_password"]
    page = do(browser, "address", email=NASTY, current_password=PASSWORD)
    assert (422, False) == (page.status, "<script" in page.text)


def test_preferences_are_kept(site: Site) -> None:
    """A box that is not ticked is a mail that is not wanted."""
    browser = site.browser(ANNA)
    form = form_of(browser.get("/account"), "preferences")
    assert MAILS <= form.fields.keys()
    said = {"time_zone": "Europe/Berlin", "locale": "de-DE"}
    del form.fields["weekly_summary"]
    page = browser.post("/account", form.fields | said)
    assert "Your choices are kept." in page.words
    shown = form_of(page, "preferences").fields
    assert said == {name: shown[name] for name in said}
    assert {"monthly_report", "task_alerts"} == MAILS & shown.keys()
    kept = preferences(site)
    assert ("Europe/Berlin", "de-DE", False) == (
        kept["time_zone"],
        kept["locale"],
        kept["email"]["weekly_summary"],
    )


@pytest.mark.parametrize("said", [{"locale": "x"}, {"locale": ""}, {"time_zone": "Mars/Base"}])
def test_preferences_that_are_none_are_refused(site: Site, said: Mapping[str, str]) -> None:
    """With what would be right; nothing is kept."""
    page = do(site.browser(ANNA), "preferences", **said)
    if said.get("locale") == "":
        assert "Your choices are kept." in page.words
    else:
        assert 422 == page.status
    assert ("UTC", "en") == (preferences(site)["time_zone"], preferences(site)["locale"])


def test_an_account_is_deleted_by_its_password(site: Site) -> None:
    """Its sessions are over, here and elsewhere, and it says goodbye."""
    browser, other = site.browser(ANNA), site.browser(ANNA)
    page = do(browser, "delete", current_password=PASSWORD)
    assert (200, True) == (page.status, "Your account is deleted" in page.words)
    assert (None, "no-store") == (browser.cookie("session"), page.headers["cache-control"])
    assert "/login?next=%2Faccount" == other.get("/account").address
    assert me(site) is None


def test_an_account_without_a_password_is_deleted_by_its_address(site: Site) -> None:
    """Typed, so that it is no slip."""
    browser = without_password(site)
    for typed in ("", "yes", ANNA):
        page = do(browser, "delete", confirmation=typed)
        assert (422, True) == (page.status, "not the address of the account" in page.words)
    assert "is deleted" in do(browser, "delete", confirmation="Nele@example.com ").words


@pytest.mark.parametrize("password", ["", "wrong password", NEW])
def test_an_account_is_not_deleted_without_its_password(site: Site, password: str) -> None:
    """Nothing is lost."""
    page = do(site.browser(ANNA), "delete", current_password=password, confirmation=ANNA)
    assert 422 == page.status
    assert me(site) is not None


def test_the_last_administrator_stays() -> None:
    """And is told why."""
    site = Site(environ={"NIGHTSHIFT_ADMIN_EMAIL": ANNA})
    set_flag(site.world, site.anna["user"]["id"], "email_verified")
    browser = site.browser(ANNA)
    page = do(browser, "delete", current_password=PASSWORD)
    assert 409 == page.status
    assert me(site) is not None


ACTS: dict[str, dict[str, str]] = {
    "name": {"name": "Mallory"},
    "resend": {},
    "address": {"email": "mallory@example.com", "current_password": PASSWORD},
    "password": {"current_password": PASSWORD, "new_password": NEW},
    "preferences": {"locale": "fr"},
    "unlink": {},
    "link": {},
    "delete": {"current_password": PASSWORD},
}


def _elsewhere(browser: Browser, _: Form) -> None:
    browser.headers["sec-fetch-site"] = "cross-site"


def _next_door(browser: Browser, _: Form) -> None:
    browser.headers["sec-fetch-site"] = "same-site"


def _older(browser: Browser, _: Form) -> None:
    browser.headers |= {"sec-fetch-site": "", "origin": "https://evil.test"}


def _no_token(_: Browser, form: Form) -> None:
    del form.fields["form_token"]


def _their_token(browser: Browser, form: Form) -> None:
    other = Browser(handler=browser.handler)
    page = Site.sign_in(other, VERA, way="/account")
    form.fields["form_token"] = page.form("Log out").fields["form_token"]


@pytest.mark.parametrize("forge", [_elsewhere, _next_door, _older, _no_token, _their_token])
def test_a_form_that_this_session_was_not_shown_does_nothing(
    forge: Callable[[Browser, Form], None],
) -> None:
    """None of them: from another site, or with a token of somebody else, or without one."""
    site = Site()
    browser = linked(site)
    page = browser.get("/account")
    form = form_of(page, "name")
    forge(browser, form)
    before = {table: site.dynamo.items(table) for table in ("identity", "email", "audit")}
    token = {"form_token": form.fields.get("form_token", "")}
    shared = {k: v for k, v in form.fields.items() if k == "version"} | token
    for act, said in ACTS.items():
        answer = browser.post("/account", {**shared, "act": act, **said})
        assert (act, 403) == (act, answer.status)
    assert before == {table: site.dynamo.items(table) for table in before}


@pytest.mark.parametrize(
    "fields", [{}, {"act": "x"}, {"act": "name", "name": "B"}, {"act": "name", "version": "1e3"}]
)
def test_a_form_that_no_page_shows_is_refused(site: Site, fields: dict[str, str]) -> None:
    """Without a stack trace, and nothing is done."""
    browser = site.browser(ANNA)
    token = form_of(browser.get("/account"), "name").fields["form_token"]
    page = browser.post("/account", {"form_token": token, **fields})
    assert page.status in {400, 422}
    assert "Ada" == me(site)["name"]


def test_another_site_cannot_have_it_said_that_something_was_done(site: Site) -> None:
    """A link from elsewhere says nothing; nor does one say what no page says."""
    browser = site.browser(ANNA)
    shown = browser.get("/account?done=password", sec_fetch_site="cross-site")
    assert "changed" not in shown.words
    assert "made up" not in browser.get("/account?done=made+up&oidc_error=made+up").words


def test_nothing_typed_is_logged(site: Site) -> None:
    """Neither names nor addresses nor passwords."""
    browser = site.browser(ANNA)
    do(browser, "name", name="Annabella")
    do(browser, "address", email="new@example.com", current_password=PASSWORD)
    do(browser, "password", current_password="wrong lantern Spruce 38", new_password=NEW)
    do(browser, "password", current_password=PASSWORD, new_password=NEW)
    logged = site.world.logged.getvalue()
    said = ("Annabella", "new@example.com", ANNA, "Spruce", NEW, PASSWORD)
    assert [] == [one for one in said if one in logged]
