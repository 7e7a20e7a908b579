"""The stand-in's search for issues and pull requests: the qualifiers that we use, and no others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from nightshift.github_stand_in.people import Person
from nightshift.github_stand_in.work import Doing, Thing, things

SHOWN_MAX = 1_000


class SearchError(Exception):
    """The search is refused with 422."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """How many results there are, those of the page asked for, and whose they are."""

    total: int
    items: list[Thing]
    doing: Doing
    login: str


def search(query: Mapping[str, str], find: Callable[[str], Person | None]) -> Results:
    """Return a page of the results, newest first.

    Raises:
        SearchError: a word is not known, the person is not there, or the page is beyond the end.
    """
    words = query.get("q", "").split()
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    if page * size > SHOWN_MAX:
        raise SearchError("Only the first 1000 search results are available")
    doing, login, start, end = _meaning(words)
    someone = find(login)
    if someone is None:
        raise SearchError(
            "The listed users cannot be searched either because the users do not exist or you do "
            "not have permission to view the users."
        )
    found = things(someone, doing, start, end)
    return Results(
        total=len(found), items=found[(page - 1) * size : page * size], doing=doing, login=login
    )


def _meaning(words: list[str]) -> tuple[Doing, str, datetime, datetime]:
    said = dict(word.partition(":")[::2] for word in words if not word.startswith("is:"))
    kinds = {word.removeprefix("is:") for word in words if word.startswith("is:")}
    if kinds - {"pr", "issue", "merged", "public"} or not kinds & {"pr", "issue"}:
        raise SearchError("Query must include 'is:issue' or 'is:pull-request'")
    if "reviewed-by" in said:
        doing, login = Doing.REVIEWED, said["reviewed-by"]
    elif "author" in said:
        doing, login = Doing.MERGED if "merged" in kinds else Doing.ISSUE, said["author"]
    else:
        raise SearchError("None of the search qualifiers apply to this search type.")
    low, dots, high = said.get("merged", said.get("created", "")).partition("..")
    if not dots:
        raise SearchError("A range of dates is needed.")
    return doing, login, _date(low, time.min), _date(high, time.max)


def _date(text: str, otherwise: time) -> datetime:
    try:
        if "T" not in text:
            return datetime.combine(datetime.fromisoformat(text).date(), otherwise, UTC)
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise SearchError("The search contains a date that is none.") from error
