"""What mails lead to: links are used by a press of a button, and by nothing that only looks."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contract.door import PASSWORD
from tests.contract.site import ANNA, VERA, Site
from tests.support.browser import SITE, Browser, Page

FORGOT, RESET, VERIFY = "/forgot-password", "/reset-password", "/verify-email"
NEW = "fresh walnut Harbour 31"
GHOST = "ghost@example.com"
BUTTONS = {FORGOT: "Send me a link", RESET: "Set the password", VERIFY: "Verify my address"}
DAY_S = 86_400


@pytest.fixture
def site() -> Site:
    """The site, whose mail goes out."""
    site = Site()
    site.email.is_silent = False
    return site


def forget(browser: Browser, email: str = ANNA) -> Page:
    """Ask for a link by the form."""
    return browser.submit(browser.get(FORGOT), BUTTONS[FORGOT], email=email)


def reset(browser: Browser, link: str, password: str = NEW) -> Page:
    """Follow a link and set a password."""
    return browser.submit(browser.get(link), BUTTONS[RESET], password=password)


def verify(browser: Browser, link: str) -> Page:
    """Follow a link and press the button."""
    return browser.submit(browser.get(link), BUTTONS[VERIFY])


def asked(site: Site, path: str, email: str = ANNA) -> str:
    """Return a link that was mailed."""
    if path == RESET:
        forget(site.browser(), email)
    else:
        site.door("POST", "/auth/verify-email/resend", token=site.anna["access_token"])
    return site.mailed(path, email)


def is_verified(site: Site) -> bool:
    """Tell whether Anna's address is."""
    answer = site.door("GET", "/users/me", token=site.anna["access_token"])
    return bool(answer.json["email_verified"])


def test_a_forgotten_password_is_replaced(site: Site) -> None:
    """By the mail; all sessions are over, the new password is good, and the old one is not."""
    browser, elsewhere = site.browser(), site.browser(ANNA)
    page = forget(browser)
    assert (200, True) == (page.status, "a mail is on its way" in page.words)
    page = reset(browser, site.mailed(RESET))
    assert (200, "/login") == (page.status, page.links["Log in"])
    assert "Your new password is set" in page.words
    assert not any(form.button == "Log out" for form in elsewhere.get("/reports").forms)
    assert 422 == site.sign_in(browser, ANNA, PASSWORD).status
    assert "/reports" == site.sign_in(browser, ANNA, NEW).address


@pytest.mark.parametrize("path", [RESET, VERIFY])
def test_who_only_looks_uses_nothing(site: Site, path: str) -> None:
    """A scanner of mail, a preview, a browser that looks ahead: again and again, as HEAD too."""
    link = asked(site, path)
    scanner = site.browser()
    before = [site.dynamo.items(table) for table in ("identity", "audit", "email", "jobs")]
    for _ in range(2):
        assert (200, 200) == (scanner.get(link).status, scanner.head(link).status)
    assert before == [site.dynamo.items(t) for t in ("identity", "audit", "email", "jobs")]
    assert not is_verified(site)
    page = (reset if path == RESET else verify)(site.browser(), link)
    assert 200 == page.status, page.words


@pytest.mark.parametrize("path", [RESET, VERIFY])
def test_a_form_does_not_tell_a_good_link_from_a_bad_one(site: Site, path: str) -> None:
    """Who looks learns nothing but what stands in the address anyway."""
    link = asked(site, path)
    bad = link[:-8] + "AAAAAAAA"
    browser = site.browser()
    browser.get("/login")
    good, other = (browser.get(one) for one in (link, bad))
    assert good.text.replace(link[-8:], bad[-8:]) == other.text
    assert good.status == other.status


def test_an_address_is_verified_without_signing_in(site: Site) -> None:
    """The mail may be read in another browser than the one that registered; the page leads on."""
    page = verify(site.browser(), asked(site, VERIFY))
    assert (200, True) == (page.status, "Your address is verified" in page.words)
    assert {"/reports", "/account"} <= set(page.links.values())
    assert is_verified(site)


def test_an_address_is_verified_for_whom_the_link_is(site: Site) -> None:
    """Also where somebody else has signed in, or a session has grown old meanwhile."""
    link = asked(site, VERIFY)
    vera = site.browser(VERA)
    site.clock.advance(seconds=1_000)
    page = verify(vera, link)
    assert (200, ()) == (page.status, page.hops)
    site.anna = site.door(
        "POST", "/auth/login", json_body={"email": ANNA, "password": PASSWORD}
    ).json
    assert is_verified(site)


@pytest.mark.parametrize("path", [RESET, VERIFY])
def test_a_link_works_once(site: Site, path: str) -> None:
    """Then it says so and where a new one comes from; what was sent twice does nothing more."""
    use, link = (reset if path == RESET else verify), asked(site, path)
    use(site.browser(), link)
    page = use(site.browser(), link)
    assert (400, True) == (page.status, "It was used before" in page.words)
    assert page.links[next(w for w in page.links if "new link" in w)] in {FORGOT, "/account"}


@pytest.mark.parametrize(
    ("path", "spoil", "words"),
    [
        (RESET, lambda link: link[:-3], "It is not whole"),
        (RESET, lambda link: link.replace("nsp_", "nsv_"), "It is for something else"),
        (RESET, lambda link: link[:-8] + "AAAAAAAA", "There is no such link"),
        (VERIFY, lambda link: link[:-3], "It is not whole"),
        (VERIFY, lambda link: link.replace("nsv_", "nsp_"), "It is for something else"),
        (VERIFY, lambda link: link[:-8] + "AAAAAAAA", "There is no such link"),
    ],
)
def test_a_link_that_is_none_says_what_is_wrong(
    site: Site, path: str, spoil: Callable[[str], str], words: str
) -> None:
    """Once it is used."""
    use = reset if path == RESET else verify
    page = use(site.browser(), spoil(asked(site, path)))
    assert (400, True) == (page.status, words in page.words)


@pytest.mark.parametrize("path", [RESET, VERIFY])
@pytest.mark.parametrize("query", ["", "?token=", "?token=" + "x" * 300])
def test_an_address_without_a_token_shows_no_form(site: Site, path: str, query: str) -> None:
    """But where to get a link."""
    page = site.browser().get(path + query)
    assert (400, True, []) == (page.status, "not whole" in page.words, page.forms)


@pytest.mark.parametrize("path", [RESET, VERIFY])
def test_a_link_has_its_time(site: Site, path: str) -> None:
    """After it the page says so."""
    link = asked(site, path)
    site.clock.advance(seconds=8 * DAY_S)
    page = (reset if path == RESET else verify)(site.browser(), link)
    assert (400, True) == (page.status, "Its time is over" in page.words)


def test_a_link_is_void_after_another_one_was_used(site: Site) -> None:
    """Two were asked for; one is enough."""
    first = asked(site, RESET)
    reset(site.browser(), asked(site, RESET))
    page = reset(site.browser(), first)
    assert (400, True) == (page.status, "has changed since" in page.words)


def test_a_refused_password_can_be_typed_anew(site: Site) -> None:
    """The rules stand beside the field before and after, and the link is still good."""
    browser, link = site.browser(), asked(site, RESET)
    page = browser.get(link)
    assert "8 to 128 characters" in page.words
    (field,) = re.findall(r"<input[^>]*name=\"password\"[^>]*>", page.text)
    assert 'autocomplete="new-password"' in field
    assert 'type="password"' in field
    for bad, words in (
        ("short", "A password has 8 to 128"),
        ("x" * 500, "A password has 8 to 128"),
        ("password1", "among the most common"),
        ("", "A password has 8 to 128"),
        (ANNA, "must not be your address"),
    ):
        page = browser.submit(page, BUTTONS[RESET], password=bad)
        (field,) = re.findall(r"<input[^>]*name=\"password\"[^>]*>", page.text)
        assert (422, True, True) == (page.status, words in page.words, "aria-invalid" in field)
        assert 'aria-describedby="password-hint password-wrong"' in field
        assert not bad or bad == "short" or bad not in page.text
    assert 200 == browser.submit(page, BUTTONS[RESET], password=NEW).status


def test_the_token_stays_where_it_was_put(site: Site) -> None:
    """In a hidden field: in no link, no header, no cookie, no line of the log, no referrer."""
    for path in (VERIFY, RESET):
        browser, link = site.browser(ANNA), asked(site, path)
        site.clock.advance(seconds=1_000)
        token = link.partition("=")[2]
        pages = [browser.get(link)]
        pages += [browser.submit(pages[0], BUTTONS[path], password=p) for p in ("x", NEW, NEW)]
        for page in pages:
            assert page.text.count(token) <= len(page.forms)
            assert token not in repr((page.headers, page.links, page.hops, browser.set_cookies))
            assert ("no-store", "strict-origin") == (
                page.headers["cache-control"],
                page.headers["referrer-policy"],
            )
        assert token not in site.world.logged.getvalue()


def _anywhere(_: Site, browser: Browser, path: str) -> str:
    return browser.get(path + "?token=nsp_x").form(BUTTONS[path]).fields["form_token"]


def _another(site: Site, _: Browser, path: str) -> str:
    return _anywhere(site, site.browser(), path)


def _of_a_session(site: Site, _: Browser, __: str) -> str:
    return site.browser(ANNA).get("/reports").form("Log out").fields["form_token"]


@pytest.mark.parametrize("take", [lambda *_: "", lambda *_: "x", _another, _of_a_session])
@pytest.mark.parametrize("path", BUTTONS)
def test_a_form_that_this_browser_was_not_shown_does_nothing(
    site: Site, path: str, take: Callable[[Site, Browser, str], str]
) -> None:
    """It is shown again, tied anew, and works then."""
    link = FORGOT if path == FORGOT else asked(site, path)
    browser, mails = site.browser(), len(site.email.deliverer.mails)
    said = {"email": ANNA, "password": NEW}
    taken = take(site, browser, path)
    page = browser.submit(browser.get(link), BUTTONS[path], form_token=taken, **said)
    site.scene.world.run_for(seconds=90)
    assert (403, True) == (page.status, "out of date" in page.words)
    assert (mails, False) == (len(site.email.deliverer.mails), is_verified(site))
    assert 200 == browser.submit(page, BUTTONS[path], **said).status


@pytest.mark.parametrize("origin", ["cross-site", "same-site", ""])
@pytest.mark.parametrize("path", BUTTONS)
def test_a_form_from_elsewhere_does_nothing(site: Site, path: str, origin: str) -> None:
    """Even with the right tokens in it."""
    link = FORGOT if path == FORGOT else asked(site, path)
    browser, mails = site.browser(), len(site.email.deliverer.mails)
    page = browser.get(link)
    browser.headers["sec-fetch-site"] = origin
    answer = browser.submit(page, BUTTONS[path], email=ANNA, password=NEW)
    site.scene.world.run_for(seconds=90)
    assert (403, True) == (answer.status, "sent from another site" in answer.words)
    assert (mails, False) == (len(site.email.deliverer.mails), is_verified(site))


def test_an_older_browser_names_this_site_as_origin(site: Site) -> None:
    """Its forms work where the address holds a token, too: the policy leaves it that header."""
    browser = site.browser()
    link = asked(site, RESET)
    browser.headers |= {"sec-fetch-site": "", "origin": SITE}
    assert 200 == reset(browser, link).status


def test_nobody_learns_who_has_an_account(site: Site) -> None:
    """The same bytes, again and again up to the refusal, which is counted by address."""
    site = Site(environ={"NIGHTSHIFT_LINK_MAIL_FREE": "2"})
    site.email.is_silent = False
    browser = site.browser()
    answers: list[list[object]] = []
    for email in (ANNA, GHOST):
        pages = [forget(browser, email) for _ in range(5)]
        answers.append(
            [(p.status, p.text.replace(email, "-"), _without_id(p.headers)) for p in pages]
        )
    assert answers[0] == answers[1]
    assert 429 == forget(browser, ANNA).status
    assert "Try again in" in forget(browser, ANNA).words
    assert ANNA == forget(browser, ANNA).form(BUTTONS[FORGOT]).fields["email"]


def _without_id(headers: object) -> dict[str, str]:
    assert isinstance(headers, dict)
    return {name: value for name, value in headers.items() if name != "x-request-id"}


def test_one_network_asks_for_so_many_mails_by_page_and_api_together() -> None:
    """Whoever they are for; looking at the form is not counted, and another network may."""
    site = Site(environ={"NIGHTSHIFT_FORGOT_LIMIT_ADDRESS": "20"})
    browser = site.browser()
    for number in range(10):
        body = {"email": f"{number}@example.com"}
        assert 202 == site.door("POST", "/auth/password/forgot", json_body=body).status
    statuses = [forget(browser, f"{number}@example.org").status for number in range(20)]
    assert (200, 429) == (statuses[0], statuses[-1])
    assert 8 <= statuses.count(200) <= 10
    page = forget(browser)
    assert int(page.headers["retry-after"]) >= 1
    assert "Try again in" in page.words
    assert 200 == browser.get(FORGOT).status
    assert 200 == forget(replace(browser, source_ip="198.51.100.9")).status


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@example.com"])
def test_what_is_no_address_is_told(site: Site, email: str) -> None:
    """Beside the field, where what was typed still stands."""
    page = forget(site.browser(), email)
    assert 422 == page.status
    assert 'aria-invalid="true"' in page.text
    assert email[:254] == page.form(BUTTONS[FORGOT]).fields["email"]


@pytest.mark.parametrize("path", BUTTONS)
def test_what_was_typed_is_shown_as_text(site: Site, path: str) -> None:
    """Whatever it is."""
    nasty = '"><script>alert(1)</script>'
    browser = site.browser()
    page = browser.get(f"{path}?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    page = browser.submit(page, BUTTONS[path], email=nasty, password="x", form_token="x")
    assert (403, False) == (page.status, "<script" in page.text)


@pytest.mark.parametrize("path", BUTTONS)
def test_a_form_that_is_too_large_is_refused(site: Site, path: str) -> None:
    """Before it is read."""
    assert 413 == site.browser().post(path, {"password": "x" * 20_000}).status
