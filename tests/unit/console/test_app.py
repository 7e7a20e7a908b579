"""Who may see which page."""

import pytest

from nightshift.console.app import PageApp
from nightshift.console.pages import PageRequest, PageRoute
from nightshift.console.wiring import make_edge
from nightshift.core.access import Permission
from nightshift.http.reply import Reply
from nightshift.http.routing import PUBLIC, Access, OptionalSignIn
from tests.contract.site import ANNA, Site

ACCESS: dict[str, Access] = {
    "public": PUBLIC,
    "optional": OptionalSignIn(permission=Permission.REPORTS_READ),
    "optional-denied": OptionalSignIn(permission=Permission.QUEUES_READ),
    "own": Permission.REPORTS_READ,
    "own-denied": Permission.QUEUES_READ,
}
EXPECTED = {
    ("public", "GET"): (200, 200),
    ("optional", "GET"): (200, 200),
    ("optional-denied", "GET"): (200, 403),
    ("own", "GET"): (303, 200),
    ("own-denied", "GET"): (303, 403),
    ("own", "POST"): (303, 403),
}
"""For nobody known, and for Anna, whose form has no token."""


@pytest.fixture(scope="module")
def site() -> Site:
    """The site, with a page for each kind of access in place of its own."""
    site = Site()
    routes = [
        PageRoute(method=method, path=f"/{name}", access=access, handler=_page)
        for name, access in ACCESS.items()
        for method in ("GET", "POST")
    ]
    app, own = PageApp(routes, make_edge(site.environ, site.world.outside)), site.handler
    site.handler = lambda event, context: (app if event["rawPath"].strip("/") in ACCESS else own)(
        event, context
    )
    return site


def _page(_: PageRequest) -> Reply:
    return Reply(body="here")


@pytest.mark.parametrize(("name", "method"), EXPECTED)
def test_a_page_is_for_whom_its_route_says(site: Site, name: str, method: str) -> None:
    """Nobody known is sent to sign in, who lacks the permission is refused."""
    statuses = []
    for who in (None, ANNA):
        browser = site.browser(who)
        browser.follows = False
        page = browser.get(f"/{name}?x=1") if method == "GET" else browser.post(f"/{name}", {})
        statuses.append(page.status)
        if page.status == 303:
            query = "%3Fx%3D1" if method == "GET" else ""
            assert f"/login?next=%2F{name}{query}" == page.headers["location"]
    assert EXPECTED[name, method] == tuple(statuses)
