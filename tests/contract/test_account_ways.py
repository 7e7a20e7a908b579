"""Ways in to one's own account by providers, on its page."""

import pytest

from tests.contract.account import do, linked, to_provider, without_password
from tests.contract.apps import set_flag
from tests.contract.door import PASSWORD
from tests.contract.site import ANNA, VERA, Site

FRESH_S = 900


@pytest.fixture
def site() -> Site:
    """The site, whose mail goes out."""
    site = Site()
    site.email.is_silent = False
    return site


def test_a_way_in_is_linked_and_removed(site: Site) -> None:
    """By way of the provider, in this browser; both take a sign-in of late."""
    browser = linked(site)
    page = browser.get("/account")
    assert "anna@provider.test, since" in page.words
    other = site.browser(ANNA)
    page = do(browser, "unlink")
    assert "no way in any more" in page.words
    assert "anna@provider.test" not in page.words
    assert "/login?next=%2Faccount" == other.get("/account").address


def test_the_way_to_a_provider_is_no_form(site: Site) -> None:
    """The policy of pages lets forms lead to this site alone; the page itself goes on."""
    set_flag(site.world, site.anna["user"]["id"], "email_verified")
    browser = site.browser(ANNA)
    page = do(browser, "link")
    assert (200, "/account") == (page.status, page.address)
    assert f"0; url={page.links['Go there now']}" == page.headers["refresh"]
    assert "form-action 'self'" in page.headers["content-security-policy"]


def test_an_old_sign_in_is_not_enough_for_ways_in(site: Site) -> None:
    """The page says so, and leads to the login and back."""
    browser = linked(site)
    site.clock.advance(seconds=FRESH_S)
    for act in ("link", "unlink"):
        page = do(browser, act)
        assert (403, True) == (page.status, "sign in again" in page.words)
        page = browser.submit(page, "Log in again")
        assert "/login?next=%2Faccount" == page.address
        page = browser.submit(page, "Log in", email=ANNA, password=PASSWORD)
        assert "/account" == page.address
        if act == "link":
            site.clock.advance(seconds=FRESH_S)
    assert "no way in any more" in do(browser, "unlink").words


def test_what_does_not_come_of_linking_is_said(site: Site) -> None:
    """An unverified address, a refusal there, somebody else's identity, no such provider."""
    browser = site.browser(ANNA)
    page = do(browser, "link")
    assert (403, True) == (page.status, "Verify the address" in page.words)
    page = do(browser, "link", provider="nobody")
    assert 404 == page.status
    browser = linked(site)
    set_flag(site.world, site.vera["user"]["id"], "email_verified")
    vera = site.browser(VERA)
    page = to_provider(site, vera, do(vera, "link"))
    assert ("/account?oidc_error=oidc_identity_taken", True) == (
        page.address,
        "another account" in page.words,
    )
    assert 404 == do(browser, "unlink", identity="x").status


def test_a_provider_that_cannot_be_reached_is_told(site: Site) -> None:
    """On the page itself, from which all else can be done."""
    set_flag(site.world, site.anna["user"]["id"], "email_verified")
    site.idp.down = {"openid-configuration"}
    page = do(site.browser(ANNA), "link")
    assert (503, True) == (page.status, "does not answer as it should" in page.words)
    assert "Change the name" in page.words


def test_who_has_no_password_is_told_how_to_get_one(site: Site) -> None:
    """The last way in stays, and there is nothing that would ask for a password."""
    browser = without_password(site)
    page = browser.get("/account")
    assert "/forgot-password" == page.links["have a link mailed to you"]
    assert {"password", "address"}.isdisjoint(form.fields.get("act", "") for form in page.forms)
    page = do(browser, "unlink")
    assert (409, True) == (page.status, "your last way to sign in" in page.words)
