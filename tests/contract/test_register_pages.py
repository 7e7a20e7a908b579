"""Making an account by a form: signed in afterwards, and what is refused keeps what was typed."""

import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.contract.site import ANNA, PAGE, Site
from tests.support.browser import Browser, Page

BUTTON = "Make my account"
PASSWORD = "fresh walnut Harbour 31"
NEW = "new@example.com"


@pytest.fixture
def site() -> Site:
    """The site, whose mail goes out."""
    site = Site()
    site.email.is_silent = False
    return site


def register(browser: Browser, *, way: str = PAGE, **said: str) -> Page:
    """Fill the form in, and send it."""
    page = browser.get(f"/register?next={way}")
    return browser.submit(
        page, BUTTON, **{"name": "Nele", "email": NEW, "password": PASSWORD, **said}
    )


def close(site: Site) -> None:
    """Take no new accounts any more."""
    site.set_role(ANNA, "admin")
    answer = site.door(
        "PATCH",
        "/settings/server",
        json_body={"registration_open": False},
        token=site.anna["access_token"],
    )
    assert 200 == answer.status, answer.text


def test_who_registers_has_signed_in_and_is_told_of_the_mail(site: Site) -> None:
    """The page leads on to where the visitor wanted to go, and the mail to verifying."""
    browser = site.browser()
    page = register(browser)
    assert ("Welcome", 200) == (re.findall(r"<h1>(.*)</h1>", page.text)[0], page.status)
    assert "A mail is on its way" in page.words
    assert (PAGE, "/account") == (page.links["Go on"], page.links["Your account"])
    assert any(form.button == "Log out" for form in browser.get("/reports").forms)
    link = site.mailed("/verify-email", NEW)
    page = browser.submit(browser.get(link), "Verify my address")
    assert "Your address is verified" in page.words


def test_the_ways_in_lead_to_each_other(site: Site) -> None:
    """With where the visitor wanted to go; and to a new password."""
    browser = site.browser()
    login = browser.get(f"/login?next={PAGE}")
    assert "/forgot-password" == login.links["Forgot your password?"]
    page = browser.get(login.links["Make an account"])
    assert PAGE == page.form(BUTTON).fields["next"]
    assert f"/login?next={PAGE}" == page.links["Log in"]
    assert "/login" == browser.get("/forgot-password").links["Back to the login"]


def test_the_form_says_what_it_wants(site: Site) -> None:
    """Purposes for password managers, and the rules beforehand."""
    page = site.browser().get("/register")
    found = dict(re.findall(r'name="(\w+)" type="\w+" autocomplete="([\w-]+)"', page.text))
    assert {"name": "name", "email": "username", "password": "new-password"} == found
    assert "8 to 128 characters" in page.words
    assert "onpaste" not in page.text


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "a\r\nBcc: x@example.com"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"email": ""}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": "a@b.c\r\nBcc: d@e.f"}, "email"),
        ({"password": ""}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": NEW}, "password"),
        ({"password": "x" * 2_000}, "password"),
    ],
)
def test_a_refused_form_keeps_what_was_typed_but_the_password(
    site: Site, said: dict[str, str], field: str
) -> None:
    """And says beside the field what would be right."""
    page = register(site.browser(), **said)
    assert 422 == page.status
    wrong = re.findall(r'<input id="(\w+)"[^>]*aria-invalid="true"', page.text)
    assert [field] == wrong
    assert f'id="{field}-wrong"' in page.text
    fields = page.form(BUTTON).fields
    typed = {"name": "Nele", "email": NEW, **said}
    assert (typed["name"][:100], typed["email"], PAGE, "") == (
        fields["name"],
        fields["email"],
        fields["next"],
        fields["password"],
    )
    password = said.get("password", PASSWORD)
    assert password in {"", NEW} or password not in page.text
    assert 201 == site.door(
        "POST", "/auth/register", json_body={"email": NEW, "password": PASSWORD, "name": "N"}
    ).status  # fmt: skip


def test_an_address_that_has_an_account_leads_to_it(site: Site) -> None:
    """To signing in, and to a new password."""
    page = register(site.browser(), email=ANNA.upper())
    assert (409, True) == (page.status, "exists" in page.words)
    assert {"/forgot-password", f"/login?next={PAGE}"} <= set(page.links.values())
    assert ANNA.upper() == page.form(BUTTON).fields["email"]


def test_a_name_is_text_wherever_it_is_shown(site: Site) -> None:
    """In the form that is shown again, on the page of the account, and in the mail."""
    nasty = '"><script>alert(1)</script><b>'
    browser = site.browser()
    page = register(browser, name=nasty, password="short")
    assert (nasty, False) == (page.form(BUTTON).fields["name"], "<script" in page.text)
    register(browser, name=nasty)
    page = browser.get("/account")
    assert ("<script" in page.text, nasty in page.words) == (False, True)
    site.mailed("/verify-email", NEW)
    assert "<script" not in site.email.deliverer.mails[-1].html


def test_no_new_accounts_when_they_are_not_taken(site: Site) -> None:
    """The page says so, the login does not lead there, and a form of before does nothing."""
    browser = site.browser()
    form = browser.get("/register")
    close(site)
    site.clock.advance(seconds=120)
    page = browser.submit(form, BUTTON, name="Nele", email=NEW, password=PASSWORD)
    assert (403, None) == (page.status, browser.cookie("session"))
    page = browser.get("/register")
    assert (403, True, []) == (page.status, "No new accounts" in page.words, page.forms)
    assert "Make an account" not in browser.get("/login").links


def test_one_network_makes_so_many_accounts_by_page_and_api_together() -> None:
    """Beyond, it is told when to go on."""
    site = Site(environ={"NIGHTSHIFT_REGISTER_LIMIT_ADDRESS": "20"})
    statuses = [register(site.browser(), email=f"{n}@example.com").status for n in range(20)]
    assert (200, 429) == (statuses[0], statuses[-1])
    assert 16 <= statuses.count(200) <= 18, "two were made by the API"
    body = {"email": NEW, "password": PASSWORD, "name": "Nele"}
    other = replace(site.browser(), source_ip="198.51.100.9")
    assert 200 == register(other, **body).status


@pytest.mark.parametrize("token", ["", "x", None])
def test_nobody_registers_by_a_form_that_another_browser_was_shown(
    site: Site, token: str | None
) -> None:
    """It is shown again, tied anew."""
    browser = site.browser()
    taken = site.browser().get("/register").form(BUTTON).fields["form_token"]
    page = register(browser, form_token=taken if token is None else token)
    assert (403, None) == (page.status, browser.cookie("session"))
    page = browser.submit(page, BUTTON, password=PASSWORD)
    assert (200, True) == (page.status, "Welcome" in page.words)


@pytest.mark.parametrize("origin", ["cross-site", "same-site", ""])
def test_nobody_registers_from_elsewhere(site: Site, origin: str) -> None:
    """Even with the right token."""
    browser = site.browser()
    form = browser.get("/register")
    browser.headers["sec-fetch-site"] = origin
    page = browser.submit(form, BUTTON, name="Nele", email=NEW, password=PASSWORD)
    assert (403, None) == (page.status, browser.cookie("session"))


@pytest.mark.parametrize(
    "way", ["//evil.test", "https://evil.test", "/\\evil.test", "/register", "/login?next=/login"]
)
def test_registering_leads_to_this_site_alone(site: Site, way: str) -> None:
    """Whatever the address asks for, and whatever the form says."""
    browser = site.browser()
    page = register(browser, way=quote(way, safe=""), next=way)
    assert "/reports" == page.links["Go on"]
    assert "/reports" == browser.get(f"/register?next={quote(way, safe='')}").address
    assert "/reports" == browser.get(f"/register?done=1&next={quote(way, safe='')}").links["Go on"]


def test_who_has_signed_in_sees_no_form(site: Site) -> None:
    """But where it would have led; another site cannot have the page of newcomers shown."""
    browser = site.browser(ANNA)
    page = browser.get(f"/register?next={PAGE}")
    assert (PAGE, (f"303 {PAGE}",)) == (page.address, page.hops)
    browser.headers["sec-fetch-site"] = "cross-site"
    assert PAGE == browser.get(f"/register?done=1&next={PAGE}").address


def test_registering_over_a_session_ends_it(site: Site) -> None:
    """A form that was shown before another tab signed in leaves the new session alone."""
    browser = site.browser()
    form = browser.get("/register")
    site.sign_in(browser, ANNA)
    copied = replace(browser, cookies=dict(browser.cookies))
    browser.submit(form, BUTTON, name="Nele", email=NEW, password=PASSWORD)
    assert not any(form.button == "Log out" for form in copied.get("/reports").forms)
    assert NEW in browser.get("/account").words


def test_a_provider_makes_an_account(site: Site) -> None:
    """The form offers the configured one; who comes back from it goes on."""
    browser = site.browser()
    form = browser.get(f"/register?next={PAGE}")
    page = site.sign_in_there(browser, form, "248289761001", NEW)
    assert PAGE == page.address
    assert NEW in browser.get("/account").words


def test_nothing_typed_is_logged(site: Site) -> None:
    """Neither address nor name nor password."""
    register(site.browser(), name="Nele Nachtigall")
    logged = site.world.logged.getvalue()
    assert [] == [one for one in (NEW, "Nachtigall", PASSWORD) if one in logged]


def test_a_form_that_is_too_large_is_refused(site: Site) -> None:
    """Before it is read."""
    assert 413 == site.browser().post("/register", {"name": "x" * 20_000}).status
