"""Sign-ins that begin on a page of the site, and where the browser goes afterwards."""

import pytest

from nightshift.identity.oidc.door import Pages
from nightshift.identity.oidc.ways import MAX_WAY_CHARS, is_way, with_error
from nightshift.identity.sessions import Tokens
from tests.contract.door import Answer
from tests.unit.identity.oidc.house import House, refused

SITE = "https://nightshift.example"


def cookies(tokens: Tokens) -> tuple[str, ...]:
    """Return how the pages of this test keep a session."""
    return (f"session={tokens.access_token}; Path=/", f"refresh={tokens.refresh_token}; Path=/s")


def made() -> House:
    """Return a function with pages."""
    return House(pages=Pages(cookies=cookies, home="/login"))


def seen(answer: Answer) -> tuple[int, str, str]:
    """Return the status, where the browser goes, and the body."""
    return answer.status, answer.headers["location"], answer.text


def test_a_browser_goes_on_to_the_page_that_it_wanted() -> None:
    """Signed in by the pages' own cookies; no token is in the body or the address."""
    house = made()
    assert 302 == house.start(next="/reports?of=ada#top").status
    answer = house.finish()
    assert (303, f"{SITE}/reports?of=ada#top", "") == seen(answer)
    assert {"session", "refresh"} == house.jar.keys()
    assert 200 == house.door("GET", "/users/me", token=house.jar["session"]).status
    assert 200 == house.scene.refresh({"refresh_token": house.jar["refresh"]}).status


def test_a_browser_that_began_on_no_page_gets_the_tokens() -> None:
    """As programs do."""
    house = made()
    house.start()
    assert "access_token" in house.finish().json


def test_what_goes_wrong_is_told_to_the_page() -> None:
    """By its slug; nobody is signed in."""
    house = made()
    house.start(next="/login?next=%2Freports")
    answer = house.finish(error="access_denied", code="")
    assert (303, f"{SITE}/login?next=%2Freports&oidc_error=oidc_refused", "") == seen(answer)
    assert {} == house.jar


def test_a_browser_that_comes_from_nowhere_goes_home() -> None:
    """Its cookie is gone, or never was; without pages there is only the problem to show."""
    house = made()
    house.start(next="/reports")
    house.jar.clear()
    assert (303, f"{SITE}/login?oidc_error=oidc_state_invalid", "") == seen(house.finish())
    assert (400, "oidc_state_invalid") == refused(House().finish())


def test_linking_goes_back_to_the_page_as_well() -> None:
    """With and without pages of the function's own, since no session begins."""
    house = House()
    token = house.scene.verified()["access_token"]
    house.link(token, next="/account")
    assert (303, f"{SITE}/account", "") == seen(house.finish())
    assert {} == house.jar
    house.link(token, next="/account")
    answer = house.finish(error="access_denied")
    assert (303, f"{SITE}/account?oidc_error=oidc_refused", "") == seen(answer)


def test_without_pages_no_browser_can_go_on_to_one() -> None:
    """It would arrive signed out; the caller is told rather than sent."""
    assert (422, "oidc_no_pages") == refused(House().start(next="/reports"))


AWAY = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nset-cookie: a=b",
    " /reports",
    "/reports ",
    "reports",
    "javascript:alert(1)",
    "/r\u00e9ports",
    "/\\/evil.example",
    "/a\\b",
    "?next=/",
    "@evil.example",
    ".evil.example",
    "/" + "a" * MAX_WAY_CHARS,
]


@pytest.mark.parametrize("way", AWAY, ids=repr)
def test_no_way_leads_to_another_site(way: str) -> None:
    """Neither for signing in nor for linking; nothing is begun."""
    house = made()
    token = house.scene.verified()["access_token"]
    assert (422, "validation_failed") == refused(house.start(next=way))
    assert (422, "validation_failed") == refused(house.link(token, next=way))
    assert {} == house.jar


@pytest.mark.parametrize("way", ["/", "/a//b", "/a?b=//c", "/.//evil", "/%5Cevil", "/:x@y"])
def test_a_way_on_this_site_is_one(way: str) -> None:
    """Whatever it looks like, it stands behind the site's own name."""
    assert is_way(way)
    house = made()
    house.start(next=way)
    assert SITE + way == house.finish().headers["location"]


@pytest.mark.parametrize("part", [1, 2, 3])
def test_the_way_is_signed(part: int) -> None:
    """A cookie with another errand in it is none, and does not redirect either."""
    house, other = made(), made()
    house.start(next="/reports")
    other.start(next="/evil")
    (name,) = house.jar
    (theirs,) = (value.split(".") for value in other.jar.values())
    mine = house.jar[name].split(".")
    mine[part] = theirs[part] if part == 2 else mine[part][:-2] + "AA"
    house.jar[name] = ".".join(mine)
    assert f"{SITE}/login?oidc_error=oidc_state_invalid" == house.finish().headers["location"]


def test_an_error_is_added_to_a_way_where_it_belongs() -> None:
    """Before the fragment, after a query."""
    assert "/a?oidc_error=x" == with_error("/a", "x")
    assert "/a?b=c&oidc_error=x#d?e" == with_error("/a?b=c#d?e", "x")
