"""The page of a report in a real browser: without scripts, by day and night, on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from nightshift.cache import keys as cache_keys
from nightshift.console.report.query import EVERY_S, LOOKS
from nightshift.reports import keys
from tests.integration.stack.harness import Stack, User
from tests.integration.tasks.client import Client
from tests.integration.tasks.receiver import wait_until
from tests.unit.reports.scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.browser]

USER = "betty"
PAGE = f"/reports/{USER}"
PATIENCE_MS = 20_000
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def user(stack: Stack) -> User:
    """Somebody who may have reports made."""
    return stack.register()


@pytest.fixture(scope="module")
def made(stack: Stack, user: User) -> str:
    """The address of a report that is there, with everything that a report can have."""
    path = "/reports/prolific-paul?period=90d&show_star_increase=true"
    _make(stack, user, path)
    return path


@pytest.fixture
def plain(chromium: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A window in which scripts are switched off."""
    context = chromium.new_context(java_script_enabled=False, base_url=stack.base_url)
    yield context
    context.close()


def _log_in(page: Page, user: User) -> None:
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(user.password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()


def _make(stack: Stack, user: User, path: str) -> None:
    """Have a report made, and return when it is there."""
    client = Client(stack, user)
    wait_until(lambda: client.expect(200, "GET", path)["state"] == "fresh", "the report", 60)


def _grow_old(stack: Stack) -> None:
    """Make the report stale, as an hour would."""
    wish = Scene().wish(USER)
    name = keys.report(wish.user_key, wish.variant).name
    stack.client("dynamodb").update_item(
        TableName=stack.outputs()["CacheTable"],
        Key={part: {"S": value} for part, value in cache_keys.entry(name).items()},
        UpdateExpression="SET fresh = :past",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def test_from_missing_to_stale_to_fresh_without_scripts(
    plain: BrowserContext, stack: Stack, user: User
) -> None:
    """It says what it is, leads on by one button, looks again by itself, and stops."""
    page = plain.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    notice = page.get_by_label("State of this report")
    page.goto(PAGE)
    assert "There is no report" in notice.inner_text()

    _make(stack, user, PAGE)
    _grow_old(stack)
    page.goto(PAGE)
    assert "This report is from" in notice.inner_text()
    assert page.get_by_role("heading", name="Betty").is_visible()
    page.get_by_role("link", name="Log in to refresh").click()
    _log_in(page, user)
    assert f"{stack.base_url}{PAGE}" == page.url
    assert "Regenerating" in notice.inner_text()
    assert "as it was" in notice.inner_text()

    notice.get_by_text("Up to date").wait_for(timeout=PATIENCE_MS)
    assert f"{stack.base_url}{PAGE}" == page.url
    assert 1 <= len([url for url in asked if "look=" in url]) <= LOOKS
    before = len(asked)
    page.wait_for_timeout(1_000 * EVERY_S + 500)
    assert before == len(asked), "it has stopped"

    page.get_by_role("button", name="Refresh now").click()
    assert "Regenerating" in notice.inner_text()


def test_a_window_that_is_left_open_keeps_its_session(
    plain: BrowserContext, stack: Stack, user: User
) -> None:
    """The gateway hands on both cookies, and the way through the exchange leads back."""
    page = plain.new_page()
    page.goto(f"/login?next={PAGE}")
    _log_in(page, user)
    cookies = {cookie["name"]: cookie for cookie in plain.cookies()}
    assert {"nightshift_session", "nightshift_refresh"} <= cookies.keys()
    assert all(cookie["httpOnly"] for cookie in cookies.values())
    assert {"Lax"} == {cookie["sameSite"] for cookie in cookies.values()}
    answer = page.goto(f"/session?next={PAGE}")
    assert answer is not None
    assert (200, f"{stack.base_url}{PAGE}") == (answer.status, page.url)
    renewed = {cookie["name"]: cookie["value"] for cookie in plain.cookies()}
    assert cookies["nightshift_refresh"]["value"] != renewed["nightshift_refresh"]
    assert page.get_by_role("button", name="Log out").is_visible()


WINDOWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 850}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 850}},
    "phone": {"viewport": {"width": 320, "height": 640}, "is_mobile": True},
    "large": {"viewport": {"width": 640, "height": 480}, "device_scale_factor": 4},
}


@pytest.mark.parametrize("window", WINDOWS)
def test_everybody_can_read_it(chromium: Browser, stack: Stack, made: str, window: str) -> None:
    """Nothing grave is found by axe, nothing sticks out, and nothing that the policy forbids."""
    context = chromium.new_context(base_url=stack.base_url, **WINDOWS[window])
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for address in (made, "/reports", "/login", "/reports/nobody-yet", "/reports/a_b"):
        page.goto(address)
        found = Axe().run(page).response["violations"]
        assert [] == [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in GRAVE]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    context.close()
    assert [] == [text for text in told if "Content Security Policy" in text]


def test_it_can_be_used_by_keyboard(chromium: Browser, stack: Stack, made: str) -> None:
    """Past the band to the content, and what has the focus can be seen."""
    context = chromium.new_context(base_url=stack.base_url)
    page = context.new_page()
    page.goto(made)
    page.keyboard.press("Tab")
    assert "Skip to the content" == page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focus = page.evaluate(
        "[document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]"
    )
    assert ["7 days", "solid"] == focus
    context.close()


def test_paper_has_the_report_and_nothing_to_press(
    chromium: Browser, stack: Stack, made: str
) -> None:
    """The band, the notice and the ways to others stay on the screen; folded rows unfold."""
    context = chromium.new_context(base_url=stack.base_url, viewport={"width": 700, "height": 900})
    page = context.new_page()
    page.goto(made)
    page.emulate_media(media="print", color_scheme="dark")
    shown = page.locator("main").inner_text()
    assert ("Where things were merged" in shown, "Up to date" in shown) == (True, False)
    assert not page.locator(".bar").is_visible()
    assert not page.get_by_role("link", name="30 days").is_visible()
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert 30 == page.locator(".pulls li:visible").count()
    context.close()
