"""What the address of a report's page says."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from nightshift.console.pages import with_query
from nightshift.reports.model import Wish
from nightshift.reports.periods import DEFAULT, MAX_CHARS

LOOKS = 5
"""How often a page looks again by itself."""
EVERY_S = 5
"""After how many seconds each time."""
_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportQuery:
    """Which report, whether it is to be made anew, and the how manieth look by itself this is."""

    period: str
    stars: bool
    force: bool
    look: int


def read(query: Mapping[str, str]) -> ReportQuery:
    """Return what a query says; whether there is such a period is not looked at."""
    look = query.get("look", "")
    return ReportQuery(
        period=(query.get("period") or DEFAULT)[: MAX_CHARS + 1],
        stars=query.get("show_star_increase", "").lower() in _YES,
        force=query.get("force", "").lower() in _YES,
        look=int(look) if look in _LOOKS else 0,
    )


def address(wish: Wish, **changes: str | bool | None) -> str:
    """Return the page's address, with `period`, `stars` or `look` in place of the wish's own."""
    period = str(changes.get("period", wish.period.label))
    stars = bool(changes.get("stars", wish.show_star_increase))
    query = {} if period == DEFAULT else {"period": period}
    query |= {"show_star_increase": "true"} if stars else {}
    query |= {"look": str(changes["look"])} if changes.get("look") else {}
    return with_query(f"/reports/{quote(wish.username)}", query)


def web_of(api_url: str) -> str:
    """Return where the pages are of the GitHub whose API is there; empty for none that is known."""
    if api_url == "https://api.github.com":
        return "https://github.com"
    return api_url.removesuffix("/api/v3") if api_url.endswith("/api/v3") else ""


_LOOKS = frozenset(str(n) for n in range(1, LOOKS + 1))
