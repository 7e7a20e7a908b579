"""The pages of reports: which one, one of them, and having it made anew."""

import re
from collections.abc import Callable
from urllib.parse import quote

from nightshift.console.pages import PageRequest, PageRoute, see_other, with_query
from nightshift.console.rendering import Renderer
from nightshift.console.report import query as queries
from nightshift.console.report.notices import notice_of
from nightshift.console.report.query import EVERY_S, LOOKS, ReportQuery
from nightshift.console.report.view import FOLDED, PERIODS, view_of
from nightshift.console.ways import LOGIN_PATH
from nightshift.core.access import Permission
from nightshift.core.errors import ForbiddenError
from nightshift.http.reply import Reply
from nightshift.http.routing import OptionalSignIn, PathParam
from nightshift.reports.errors import InvalidPeriodError
from nightshift.reports.model import (
    USERNAME_PATTERN,
    ReportState,
    Standing,
    Visitor,
    visitor_of,
)
from nightshift.reports.periods import DEFAULT
from nightshift.reports.wiring import ReportsContext

_ACCESS = OptionalSignIn(permission=Permission.REPORTS_READ)
_USERNAME = PathParam(pattern=USERNAME_PATTERN, doc="A name on GitHub.", example="octocat")
_PAGE = "/reports/{username}"
NO_NAME = (
    "There is no such name on GitHub: names are letters, digits and single hyphens within, 39 at "
    "most."
)


class ReportPages:
    """The pages of the reports context."""

    def __init__(
        self, reports: Callable[[], ReportsContext], *, renderer: Renderer, web: str
    ) -> None:
        """Take the context; `web` is where GitHub's own pages are, empty for nowhere."""
        self._reports = reports
        self._renderer = renderer
        self._web = web

    def routes(self) -> list[PageRoute]:
        """Return the routes."""
        return [
            PageRoute(method="GET", path="/reports", access=_ACCESS, handler=self.choose),
            PageRoute(method="GET", path=_PAGE, access=_ACCESS, handler=self.show),
            PageRoute(
                method="POST",
                path=_PAGE,
                access=_ACCESS,
                handler=self.refresh,
                path_params={"username": _USERNAME},
            ),
        ]

    def choose(self, request: PageRequest) -> Reply:
        """Ask for whom and when; with a name in the address, go to that report."""
        name = request.query.get("username", "").strip().removeprefix("@")
        if name:
            asked = {k: v for k, v in request.query.items() if k in _PASSED and v != DEFAULT}
            return see_other(with_query(f"/reports/{quote(name, safe='')}", asked))
        return self._choose(request)

    def show(self, request: PageRequest) -> Reply:
        """Show a report as it stands; the visit of whoever may have it made anew thereby does.

        A page that looks again by itself is no visit. `force` in an address counts only where the
        browser says that no other site is behind it; the address without it is then gone to.
        """
        name, asked = request.path["username"], queries.read(request.query)
        if not re.fullmatch(USERNAME_PATTERN, name, re.ASCII):
            return self._choose(request, status=404, error=NO_NAME)
        visitor, reports = visitor_of(request.caller), self._reports().reports
        try:
            wish = reports.wish(name, asked.period, show_star_increase=asked.stars)
        except InvalidPeriodError as error:
            return self._choose(request, status=error.status, error=error.message, name=name)
        if asked.force and visitor.may_refresh and request.is_from_here:
            reports.look(wish, visitor, force=True)
            return see_other(queries.address(wish))
        standing = reports.look(wish, _looking(visitor) if asked.look else visitor)
        if asked.look and standing.state is ReportState.FRESH:
            return see_other(queries.address(wish))
        return self._page(request, standing, visitor, asked)

    def refresh(self, request: PageRequest) -> Reply:
        """Have a report made anew, and go to its page; who has not signed in signs in first.

        Raises:
            QueueFullError, ConflictError: the job could not be put in.
        """
        asked = queries.read(request.query)
        reports = self._reports().reports
        wish = reports.wish(request.path["username"], asked.period, show_star_increase=asked.stars)
        here = queries.address(wish)
        visitor = visitor_of(request.caller)
        if not visitor.is_signed_in:
            return see_other(with_query(LOGIN_PATH, {"next": here}))
        if not visitor.may_refresh:
            raise ForbiddenError(f"This needs the permission {Permission.REPORTS_WRITE}.")
        reports.look(wish, visitor, force=True)
        return see_other(here)

    def _choose(
        self, request: PageRequest, *, status: int = 200, error: str = "", name: str = ""
    ) -> Reply:
        return self._renderer.page(
            "choose.html",
            request,
            status=status,
            periods=PERIODS,
            default=DEFAULT,
            error=error,
            username=name,
        )

    def _page(
        self, request: PageRequest, standing: Standing, visitor: Visitor, asked: ReportQuery
    ) -> Reply:
        here = queries.address(standing.wish)
        looks_again = standing.is_regenerating and asked.look < LOOKS
        again = queries.address(standing.wish, look=str(asked.look + 1))
        return self._renderer.page(
            "report.html",
            request,
            here=here,
            headers={"refresh": f"{EVERY_S}; url={again}"} if looks_again else {},
            view=view_of(standing),
            notice=notice_of(standing, visitor, looks_left=LOOKS - asked.look),
            every_s=EVERY_S,
            fold=FOLDED,
            web=self._web,
            stop_address=queries.address(standing.wish, look=str(LOOKS)),
        )


_PASSED = ("period", "show_star_increase")


def _looking(visitor: Visitor) -> Visitor:
    """Return who looks, without any effect on what is looked at."""
    return Visitor(user_id=visitor.user_id)
