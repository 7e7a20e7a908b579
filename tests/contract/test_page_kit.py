"""What all pages have: no scripts, one style sheet that is kept, failures in the same look."""

import re
from collections.abc import Callable

import pytest

from nightshift.console import assets
from tests.contract.site import ANNA, PAGE, Site
from tests.support.browser import Page

ADDRESSES = (
    PAGE,
    "/reports",
    "/login",
    "/register",
    "/sessions",
    "/account",
    "/reports/a_b",
    f"{PAGE}?period=x",
    "/nowhere",
    "/static/x",
)
MAILED = ("/forgot-password", "/reset-password?token=nsp_x", "/verify-email?token=nsv_x")
"""Those of whose address no other page learns more than the site."""


def pages() -> list[Page]:
    """Return each kind of page, for nobody and for somebody."""
    site = Site()
    site.prepare("fresh")
    policies = dict.fromkeys(ADDRESSES, "same-origin") | dict.fromkeys(MAILED, "strict-origin")
    found = []
    for who in (None, ANNA):
        for address, policy in policies.items():
            page = site.browser(who).get(address)
            assert policy == page.headers["referrer-policy"]
            found.append(page)
    return found


def test_pages_have_no_scripts_and_no_styles_of_their_own() -> None:
    """So that the policy can forbid both, whatever text gets into a page."""
    for page in pages():
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'; style-src 'self'" in policy
        assert not re.search(r"unsafe|script-src|https?:|\*", policy)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert "nosniff" == page.headers["x-content-type-options"]


def test_pages_load_nothing_from_elsewhere() -> None:
    """Every file is the site's own and is there."""
    site = Site()
    loaded = {
        address
        for page in pages()
        for address in re.findall(r'<(?:link|img|script)[^>]+?(?:href|src)="([^"]+)"', page.text)
    }
    assert {assets.address("console.css"), assets.address("moon.svg")} == loaded
    assert {200} == {site.browser().get(address).status for address in loaded}


def test_every_page_can_be_read_without_sight() -> None:
    """A language, a title of its own, one heading of the first order, a way past the band."""
    for page in pages():
        assert '<html lang="en">' in page.text
        assert 1 == len(re.findall(r"<h1\b", page.text))
        assert re.search(r"<title>[^<]+ – Nightshift</title>", page.text)  # noqa: RUF001 - a dash
        assert '<a class="skip" href="#main">' in page.text
        assert page.text.count("<svg") == page.text.count('aria-hidden="true" focusable') + (
            page.text.count('role="img"')
        )


def test_a_file_is_kept_for_ever_under_the_name_of_its_content() -> None:
    """And not at all under the name of another version."""
    browser = Site().browser()
    address = assets.address("console.css")
    found = browser.get(address)
    assert "public, max-age=31536000, immutable" == found.headers["cache-control"]
    assert "text/css; charset=utf-8" == found.headers["content-type"]
    assert 304 == browser.get(address, if_none_match=found.headers["etag"]).status
    older = browser.get("/static/console.0123456789ab.css")
    assert (found.text, "no-cache") == (older.text, older.headers["cache-control"])


@pytest.mark.parametrize(
    "name", ["console.css", "nothing.0123456789ab.css", "..%2Fapp.py", "console.0123456789ab.py"]
)
def test_no_other_file_is_served(name: str) -> None:
    """Nothing beside, above or below."""
    assert 404 == Site().browser().get(f"/static/{name}").status


def test_the_icon_is_there_unasked() -> None:
    """Browsers look for it at one place."""
    icon = Site().browser().get("/favicon.ico")
    assert ("image/svg+xml", 200) == (icon.headers["content-type"], icon.status)


def test_what_nobody_has_signed_in_for_is_asked_for_again_by_its_tag() -> None:
    """What somebody has is not kept at all."""
    site = Site()
    site.prepare("fresh")
    browser = site.browser()
    page = browser.get(PAGE)
    assert "private, no-cache" == page.headers["cache-control"]
    again = browser.get(PAGE, if_none_match=page.headers["etag"])
    assert (304, "") == (again.status, again.text)
    known = site.browser(ANNA).get(PAGE)
    assert ("no-store", False) == (known.headers["cache-control"], "etag" in known.headers)


def test_a_head_is_a_page_without_its_body() -> None:
    """With the same headers."""
    browser = Site().browser()
    page, head = browser.get("/reports"), browser.head("/reports")
    assert (200, "", page.headers["etag"]) == (head.status, head.text, head.headers["etag"])


@pytest.mark.parametrize(
    ("act", "status", "words"),
    [
        (lambda b: b.get("/nowhere"), 404, "There is no page at this address."),
        (lambda b: b.get("/reports/ada/more"), 404, "There is no page"),
        (lambda b: b.post("/reports", {}), 405, "This route takes GET, HEAD."),
        (lambda b: b.get("/logout"), 405, "This route takes POST."),
        (lambda b: b.get("/reports?period=%ff"), 400, "What was sent cannot be read."),
        (lambda b: b.post("/login", {"x": "y" * 20_000}), 413, "A form has at most"),
        (lambda b: b.post("/login", {"a": "b"}, content_type="a/b"), 400, "A form is sent as"),
        (lambda b: b.post("/login", {str(n): "1" for n in range(40)}), 400, "cannot be read"),
    ],
)
def test_a_failure_is_a_page_too(act: Callable[..., Page], status: int, words: str) -> None:
    """In the same look, with what is wrong and the request's id."""
    page = act(Site().browser())
    assert (status, True) == (page.status, words in page.words)
    assert page.headers["x-request-id"] in page.words
    assert "/reports" == page.links["To the reports"]


def test_when_the_table_does_not_answer_the_page_says_so() -> None:
    """No stack trace, no name of a service; and the log has it."""
    site = Site()
    site.prepare("fresh")
    site.scene.age(60)

    def broken(*_: object) -> None:
        raise TimeoutError

    site.dynamo.faults = broken
    page = site.browser().get(PAGE)
    site.dynamo.faults = None
    assert (503, False) == (page.status, "Traceback" in page.text or "dynamo" in page.text.lower())
    assert "unavailable" == site.world.actions("http.failed")[-1]["error"]


def test_many_requests_of_a_stranger_are_limited_with_those_to_the_api() -> None:
    """By the same count."""
    site = Site(environ={"NIGHTSHIFT_RATE_LIMIT_ADDRESS": "20"})
    browser = site.browser()
    statuses = [browser.get("/reports").status for _ in range(15)]
    statuses += [site.door("GET", "/openapi.json").status for _ in range(3)]
    statuses += [browser.get("/reports").status for _ in range(5)]
    assert (429, True) == (statuses[-1], statuses.count(200) <= 20)
    assert int(browser.get("/reports").headers["retry-after"]) >= 1
