"""What the people of the stand-in do, day by day, always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from nightshift.github_stand_in.people import FIRMS, THINGS, Person, Project, draw

EPOCH = date(2019, 1, 1)
A_DAY_MAX = 80
"""More things than anybody does in a day: a thing's number has its day in it."""
_WEEKEND = 5
_VERBS = ("Add", "Fix", "Speed up", "Simplify", "Remove", "Document", "Test", "Harden")
_OBJECTS = (
    "retries of the importer",
    "the settings page",
    "time zones in exports",
    "paging of long lists",
    "the cold start",
    "error messages of sign-in",
    "flaky clock tests",
    "locks around the ledger",
    "the release notes",
    "unused columns",
)


class Doing(StrEnum):
    """The things that people do."""

    MERGED = "merged"
    REVIEWED = "reviewed"
    ISSUE = "issue"


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """An issue or a pull request; `closed_at` is when a pull request was merged."""

    repository: str
    number: int
    title: str
    created_at: datetime
    closed_at: datetime | None


def things(someone: Person, doing: Doing, start: datetime, end: datetime) -> list[Thing]:
    """Return what somebody did from `start` up to and with `end`, newest first."""
    found = [
        thing
        for day in _days(start, end)
        for thing in _of_day(someone, doing, day)
        if start <= _moment(thing, doing) <= end
    ]
    return sorted(found, key=lambda thing: (_moment(thing, doing), thing.number), reverse=True)


def _moment(thing: Thing, doing: Doing) -> datetime:
    if doing is Doing.MERGED:
        return thing.closed_at or thing.created_at
    return thing.created_at


def _days(start: datetime, end: datetime) -> Iterator[date]:
    day = max(start.date(), EPOCH)
    while day <= end.date():
        yield day
        day += timedelta(days=1)


@lru_cache(maxsize=4_096)
def _of_day(someone: Person, doing: Doing, day: date) -> tuple[Thing, ...]:
    usual = {
        Doing.MERGED: someone.merged_a_day,
        Doing.REVIEWED: someone.reviews_a_day,
        Doing.ISSUE: someone.issues_a_day,
    }[doing]
    if someone.created_at.date() > day:
        return ()
    rest = 0.25 if day.weekday() >= _WEEKEND and usual < A_DAY_MAX / 4 else 1.0
    mood = 2 * draw(someone.login, doing, day, "mood")
    count = int(usual * rest * (mood if usual < A_DAY_MAX / 4 else 1.0) + draw(day, "rounding"))
    return tuple(_thing(someone, doing, day, n) for n in range(min(count, A_DAY_MAX)))


def _thing(someone: Person, doing: Doing, day: date, index: int) -> Thing:
    names = (someone.login, doing, day, index)
    at = datetime.combine(day, time(7), UTC) + timedelta(seconds=int(50_000 * draw(*names, "at")))
    before = timedelta(hours=1 + int(60 * draw(*names, "age") ** 2))
    takes = timedelta(hours=1 + int(200 * draw(*names, "takes") ** 2))
    open_still = doing is Doing.ISSUE and draw(*names, "open") < 0.35  # noqa: PLR2004
    is_merged = doing is Doing.MERGED
    return Thing(
        repository=_where(someone, doing, draw(*names, "where")),
        number=(day - EPOCH).days * A_DAY_MAX + index + 1,
        title=f"{_pick(_VERBS, draw(*names, 'verb'))} {_pick(_OBJECTS, draw(*names, 'object'))}",
        created_at=at - before if is_merged else at,
        closed_at=at if is_merged else None if open_still else at + takes,
    )


def _where(someone: Person, doing: Doing, drawn: float) -> str:
    own = tuple(project.name for project in someone.own if not project.is_fork)
    elsewhere = someone.others or tuple(f"{firm}/{THINGS[0]}" for firm in FIRMS)
    if doing is Doing.REVIEWED:
        return _pick(elsewhere, drawn)
    # Most of what one does goes to one place, a good deal to the next, and so on.
    return _pick((*elsewhere, *own), drawn**2)


def _pick(choices: tuple[str, ...], drawn: float) -> str:
    return choices[int(drawn * len(choices))]


def lines(repository: str, number: int) -> tuple[int, int, int]:
    """Return additions, deletions and changed files of a pull request."""
    size = draw(repository, number, "size") ** 5
    added = 1 + int(2_400 * size)
    deleted = int(added * draw(repository, number, "deleted") * 1.2)
    return added, deleted, 1 + int(24 * size**0.5)


def starred(project: Project, now: datetime) -> list[datetime]:
    """Return when each of a repository's stars was given, oldest first."""
    if not project.stars:
        return []
    pause = timedelta(days=1 / project.stars_a_day)
    drift = timedelta(hours=5 * draw(project.name, "drift"))
    return [now - drift - pause * n for n in range(project.stars)][::-1]
