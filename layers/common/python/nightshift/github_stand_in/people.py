"""The people of the stand-in: any name is one, and always the same one.

What somebody is like follows from the name: `missing*` is nobody, `renamed-x` is called `x` now,
`prolific*` merges some 33 pull requests a day, `quiet*` does nothing, what `slow*` does is answered
slowly and `broken*` not at all; everybody else is one of many characters, drawn from the name.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BORN = datetime(2019, 4, 1, tzinfo=UTC)
LANGUAGES = ("Python", "TypeScript", "Go", "Rust", "Java", "Ruby", "C++", "Kotlin", "Shell")
FIRMS = ("northwind", "lumen-labs", "open-tiles", "harbour")
THINGS = ("api", "console", "ledger", "router", "atlas", "beacon", "quartz", "relay", "sundial")
_PROLIFIC_A_DAY = 33.35
_FAMOUS_EVERY = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A repository: who owns it, what it is written in, its stars and how many come a day."""

    name: str
    language: str | None
    stars: int
    stars_a_day: float
    is_fork: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody, and how much of what they do on a usual day."""

    login: str
    number: int
    name: str
    followers: int
    merged_a_day: float
    reviews_a_day: float
    issues_a_day: float
    own: tuple[Project, ...]
    others: tuple[str, ...]

    @property
    def created_at(self) -> datetime:
        """When they came."""
        return BORN + timedelta(days=self.number % 900)


def draw(*names: object) -> float:
    """Return the number in [0, 1) that belongs to these names, always the same."""
    text = "\x1f".join(map(str, names)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") / (1 << 48)


def find(login: str) -> Person | None:
    """Return the person of this name, None if that is nobody (any more)."""
    key = login.lower()
    if key.startswith(("missing", "renamed")):
        return None
    return person(key)


def person(key: str) -> Person:
    """Return the person that a name stands for, whether or not it is the name of the day."""
    pace = 0.3 + 2.4 * draw(key, "pace") ** 2
    if key.startswith("prolific"):
        pace = _PROLIFIC_A_DAY
    if key.startswith("quiet"):
        pace = 0.0
    return Person(
        login=key,
        number=number_of(key),
        name=" ".join(part.capitalize() for part in key.split("-") if part),
        followers=int(3_000 * draw(key, "followers") ** 4),
        merged_a_day=pace,
        reviews_a_day=min(pace, 4.0) * (0.3 + draw(key, "reviews")),
        issues_a_day=min(pace, 3.0) * 0.6 * draw(key, "issues"),
        own=_own(key),
        others=_others(key),
    )


def number_of(key: str) -> int:
    """Return the number that a name was given when it came."""
    return 1_000 + int(draw(key, "number") * 90_000_000)


def _own(key: str) -> tuple[Project, ...]:
    if key.startswith("quiet"):
        return ()
    count = 2 + int(draw(key, "own") * 5)
    return tuple(_project(key, index) for index in range(count))


def _project(key: str, index: int) -> Project:
    thing = THINGS[int(draw(key, "thing", index) * len(THINGS))]
    famous = int(draw(key, "famous", index) * _FAMOUS_EVERY) == 0
    stars = int(draw(key, "stars", index) * (900 if famous else 60))
    return Project(
        name=f"{key}/{thing}-{index + 1}",
        language=_language(key, index),
        stars=stars,
        stars_a_day=stars / 700,
        is_fork=draw(key, "fork", index) < 0.15,  # noqa: PLR2004 - about every seventh
    )


def _language(key: str, index: int) -> str | None:
    favourite = int(draw(key, "favourite") * len(LANGUAGES))
    other = int(draw(key, "language", index) * len(LANGUAGES))
    return LANGUAGES[favourite if draw(key, "loyal", index) < 0.6 else other]  # noqa: PLR2004


def _others(key: str) -> tuple[str, ...]:
    count = 2 + int(draw(key, "others") * 4)
    firm = FIRMS[int(draw(key, "firm") * len(FIRMS))]
    names = {f"{firm}/{THINGS[int(draw(key, 'other', n) * len(THINGS))]}" for n in range(count)}
    return tuple(sorted(names))
