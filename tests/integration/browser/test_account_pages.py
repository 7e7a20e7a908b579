"""An account's life in a real browser, without scripts: from registering to ending sessions."""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.integration.browser.test_report_page import GRAVE, WINDOWS
from tests.integration.stack.harness import Stack
from tests.integration.tasks.receiver import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

FIRST, SECOND = "first harbour Quilt 27", "second meadow Falcon 49"
MAIL_S = 30


def _window(chromium: Browser, stack: Stack, **said: Any) -> BrowserContext:
    return chromium.new_context(java_script_enabled=False, base_url=stack.base_url, **said)


@pytest.fixture
def window(chromium: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A window in which scripts are switched off."""
    context = _window(chromium, stack)
    yield context
    context.close()


def _mailed(stack: Stack, to: str, path: str) -> str:
    """Return where the latest mail to somebody leads, once it has come."""

    def found() -> str | None:
        texts = [mail["text"] for mail in stack.get("/dev/inbox.json").json() if to in mail["to"]]
        links = re.findall(rf"{re.escape(stack.base_url + path)}\S*", "\n".join(texts))
        return str(links[0]) if links else None

    wait_until(lambda: found() is not None, f"a mail that leads to {path}", MAIL_S)
    return str(found())


def _press(page: Page, button: str) -> None:
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()


def _register(page: Page, email: str, way: str = "/reports") -> None:
    page.goto(f"/register?next={way}")
    page.get_by_label("Name").fill("Nele")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(FIRST)
    _press(page, "Make my account")


def _log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    _press(page, "Log in")


def test_from_registering_to_the_end_of_a_session(
    window: BrowserContext, chromium: Browser, stack: Stack
) -> None:
    """Each mail leads on, each page to the next; a forgotten password ends what was before."""
    email = f"nele-{secrets.token_hex(6)}@example.com"
    page = window.new_page()
    _register(page, email)
    assert page.get_by_role("heading", name="Welcome").is_visible()

    page.goto(_mailed(stack, email, "/verify-email"))
    _press(page, "Verify my address")
    assert page.get_by_role("heading", name="Your address is verified").is_visible()
    page.get_by_role("link", name="To your account").click()
    assert page.get_by_text("verified", exact=True).is_visible()

    elsewhere = _window(chromium, stack)
    other = elsewhere.new_page()
    other.goto("/login")
    other.get_by_role("link", name="Forgot your password?").click()
    other.get_by_label("E-mail address").fill(email)
    _press(other, "Send me a link")
    assert other.get_by_role("heading", name="Look into your mail").is_visible()
    other.goto(_mailed(stack, email, "/reset-password"))
    other.get_by_label("New password").fill(SECOND)
    _press(other, "Set the password")
    assert other.get_by_role("heading", name="Your new password is set").is_visible()

    page.goto("/sessions")
    assert page.url.startswith(f"{stack.base_url}/login?next="), "its session is over"
    _log_in(page, email, SECOND)
    assert f"{stack.base_url}/sessions" == page.url
    other.get_by_role("main").get_by_role("link", name="Log in").click()
    _log_in(other, email, SECOND)

    page.reload()
    _press(page, "End")
    assert page.get_by_role("status").get_by_text("The session is over.").is_visible()
    other.goto("/account")
    assert other.url.startswith(f"{stack.base_url}/login?next=")
    elsewhere.close()


def test_the_first_address_leads_to_a_page(window: BrowserContext, stack: Stack) -> None:
    """The one without a path, to which the mail of welcome leads."""
    page = window.new_page()
    page.goto("/")
    assert f"{stack.base_url}/reports" == page.url


@pytest.mark.parametrize("name", ["dark", "phone", "large"])
def test_everybody_can_use_them(chromium: Browser, stack: Stack, name: str) -> None:
    """Nothing grave is found by axe, nothing sticks out, and nothing that the policy forbids."""
    context = chromium.new_context(base_url=stack.base_url, **WINDOWS[name])
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for address in ("/login", "/register", "/forgot-password"):
        page.goto(address)
        _check(page)
    for path, button in (("/reset-password", "Set the password"), ("/verify-email", "Verify")):
        page.goto(f"{path}?token=nsp_x")
        _check(page)
        if path == "/reset-password":
            page.get_by_label("New password").fill("password1")
        page.get_by_role("main").get_by_role("button", name=button).click()
        _check(page)
    page.goto("/register")
    page.get_by_label("Name").fill(" ")
    page.get_by_label("E-mail address").fill("nele@localhost")
    page.get_by_label("Password").fill(FIRST)
    _press(page, "Make my account")
    _refused_at(page, "name")
    _check(page)
    _register(page, f"nele-{secrets.token_hex(6)}@example.com")
    _check(page)
    for address in ("/sessions", "/account"):
        page.goto(address)
        _check(page)
    page.locator("#password-current_password").fill("wrong password")
    page.get_by_label("New password").fill(SECOND)
    _press(page, "Change the password")
    _refused_at(page, "password-current_password")
    _check(page)
    page.get_by_text("I want to delete it").click()
    _check(page)
    context.close()
    assert [] == [text for text in told if "Content Security Policy" in text]


def _refused_at(page: Page, field: str) -> None:
    """Wait for the page that says why, and for its focus at the field to be mended."""
    page.get_by_role("alert").wait_for()
    page.locator(f"#{field}:focus").wait_for()


def _check(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [] == [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in GRAVE], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
