"""What tests of the account's page do on it."""

from tests.contract.apps import set_flag
from tests.contract.site import ANNA, Site
from tests.support.browser import Browser, Form, Page


def form_of(page: Page, act: str) -> Form:
    """Return the form of an act."""
    (found,) = [form for form in page.forms if form.fields.get("act") == act]
    return found


def do(browser: Browser, act: str, **said: str) -> Page:
    """Fill the form of an act in and send it."""
    form = form_of(browser.get("/account"), act)
    return browser.post(form.action, form.fields | said)


def to_provider(site: Site, browser: Browser, page: Page, sub: str = "2482") -> Page:
    """Follow the page that leads to the provider, and come back from it."""
    address = page.links["Go there now"]
    return site.through_provider(browser, address, sub, "anna@provider.test")


def linked(site: Site) -> Browser:
    """Return Anna's browser after she has linked a way in."""
    set_flag(site.world, site.anna["user"]["id"], "email_verified")
    browser = site.browser(ANNA)
    to_provider(site, browser, do(browser, "link"))
    return browser


def without_password(site: Site) -> Browser:
    """Return the browser of somebody who came by the provider, and has no password."""
    browser = site.browser()
    form = browser.get("/login?next=/account")
    page = site.sign_in_there(browser, form, "77", "nele@example.com")
    assert "/account" == page.address
    return browser
