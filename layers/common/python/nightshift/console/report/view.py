"""A report as its page shows it: what is said, and what is drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from nightshift.console import words
from nightshift.console.report import charts, query
from nightshift.reports.figures import TOP
from nightshift.reports.model import Standing, Wish

PERIODS: tuple[tuple[str, str], ...] = (
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("365d", "a year"),
)
_ROLLING = {
    "7d": "the last 7 days",
    "30d": "the last 30 days",
    "90d": "the last 90 days",
    "365d": "the last 365 days",
}
_QUARTERS = ("first", "second", "third", "fourth")
WEEK = timedelta(days=7)
FOLDED = 8
"""How many rows of a table are seen at once."""
REASONS = {
    "too_many_stars": "too many stars for GitHub to show the newest",
    "too_many_new_stars": "over 1,000",
    "not_shown": "not shown by GitHub",
    "not_asked": "not counted",
}

Part = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number with what it counts, and a remark; one that `is_long` wants more room."""

    value: str
    name: str
    remark: str = ""
    is_long: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row with a bar: `share` in per cent of the largest, the line counts where they are known.

    `remark` is a word beside the number.
    """

    name: str
    count: int
    share: float
    additions: int | None = None
    deletions: int | None = None
    remark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A way to another report on the same person; the one that is shown `is_here`."""

    address: str
    text: str
    is_here: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The report itself."""

    since: str
    until: str
    made_at: str
    summary: str
    figures: tuple[Figure, ...]
    activity: charts.Columns
    activity_rows: tuple[tuple[str, int], ...]
    activity_title: str
    activity_text: str
    repositories: tuple[Row, ...]
    latest: Sequence[Part]
    languages: tuple[charts.Part, ...]
    languages_by: str
    reviews: tuple[Row, ...]
    issues: tuple[Row, ...]
    stars: tuple[Row, ...]
    stars_total: int
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportView:
    """The page: whose report and of when, the ways to others, and the report if there is one."""

    login: str
    name: str
    period: str
    periods: tuple[Link, ...]
    stars: Link
    address: str
    body: Body | None


def view_of(standing: Standing) -> ReportView:
    """Return what to show of a report as it stands."""
    wish = standing.wish
    report = json.loads(standing.report) if standing.report is not None else None
    login = report["user"]["login"] if report else wish.username
    return ReportView(
        login=login,
        name=(report["user"]["name"] if report else "") or login,
        period=period_words(wish.period.label),
        periods=_periods(wish),
        stars=Link(
            address=query.address(wish, stars=not wish.show_star_increase),
            text="Without new stars" if wish.show_star_increase else "With new stars",
            is_here=wish.show_star_increase,
        ),
        address=query.address(wish),
        body=_body(report, wish) if report else None,
    )


def period_words(label: str) -> str:
    """Return a period as it stands in a sentence."""
    if label in _ROLLING:
        return _ROLLING[label]
    year, _, part = label.partition("-")
    if not part:
        return year
    if part[0] == "Q":
        return f"the {_QUARTERS[int(part[1]) - 1]} quarter of {year}"
    if part[0] == "W":
        return f"week {int(part[1:])} of {year}"
    return words.month(int(part), int(year))


def _periods(wish: Wish) -> tuple[Link, ...]:
    here = wish.period.label
    shown = PERIODS if here in dict(PERIODS) else (*PERIODS, (here, here))
    return tuple(
        Link(address=query.address(wish, period=label), text=text, is_here=label == here)
        for label, text in shown
    )


def _body(report: Part, wish: Wish) -> Body:
    activity = report["activity"]
    counts = [one["merged"] for one in activity]
    weekly = _is_weekly(activity)
    texts = [_bucket(one, weekly=weekly) for one in activity]
    return Body(
        since=report["period"]["since"],
        until=_last_day(report["period"]["until"]),
        made_at=report["generated_at"],
        summary=_summary(report, wish),
        figures=_figures(report),
        activity=charts.columns(counts, [words.short_day(one["since"]) for one in activity], texts),
        activity_rows=tuple(
            (f"{'from ' if weekly else ''}{words.day(one['since'])}", one["merged"])
            for one in activity
        ),
        activity_title=f"Pull requests merged by {'week' if weekly else 'day'}",
        activity_text=_activity_text(counts, texts),
        repositories=_repositories(report["repositories"]),
        latest=report["pull_requests"]["latest"],
        languages=_languages(report["languages"]),
        languages_by=_languages_by(report["languages"]),
        reviews=_places(report["reviews"]["repositories"]),
        issues=_places(report["issues"]["repositories"]),
        stars=_stars(report["stars"]["repositories"], shown=wish.show_star_increase),
        stars_total=report["stars"]["total"],
        notes=report["notes"],
    )


def _last_day(until: str) -> str:
    """Return the last day of a period that goes up to and without a moment."""
    if until[11:] != "00:00:00Z":
        return until
    return (date.fromisoformat(until[:10]) - timedelta(days=1)).isoformat()


def _summary(report: Part, wish: Wish) -> str:
    pulls, reviews, issues = report["pull_requests"], report["reviews"], report["issues"]
    name = report["user"]["name"] or report["user"]["login"]
    when = period_words(wish.period.label)
    done = []
    if pulls["merged"]:
        places = len(report["repositories"])
        least = "at least " if places >= TOP else ""
        where = f" in {least}{words.plural(places, 'repository', 'repositories')}" if places else ""
        done.append(f"had {words.plural(pulls['merged'], 'pull request')} merged{where}")
    if reviews["total"]:
        done.append(f"reviewed {words.plural(reviews['total'], 'pull request')} of others")
    if issues["total"]:
        done.append(f"opened {words.plural(issues['total'], 'issue')}")
    did = words.listed(done) or "did nothing that can be seen in public"
    return f"In {when}, {name} {did}."


def _figures(report: Part) -> tuple[Figure, ...]:
    pulls, reviews = report["pull_requests"], report["reviews"]
    issues, stars = report["issues"], report["stars"]
    merged = pulls["merged"]
    sized = f"of {pulls['sized']:,} requests" if 0 < pulls["sized"] < merged else ""
    lines = f"+{pulls['additions']:,} −{pulls['deletions']:,}" if pulls["sized"] else "–"  # noqa: RUF001 - a minus
    files = (
        f"in {words.plural(pulls['changed_files'], 'file')}" if pulls["sized"] else "not counted"
    )
    gained = stars["gained"]
    more = "" if gained is None else f"+{gained:,} in this time"
    if gained is not None and not stars["is_whole"]:
        more = f"at least {more}"
    return (
        Figure(value=words.number(merged), name="pull requests merged"),
        Figure(
            value=lines,
            name="lines",
            remark=" ".join(filter(None, (files, sized))),
            is_long=bool(pulls["sized"]),
        ),
        Figure(value=words.number(reviews["total"]), name="reviewed for others"),
        Figure(
            value=words.number(issues["total"]),
            name="issues opened",
            remark=f"{issues['closed']:,} closed by now" if issues["total"] else "",
        ),
        Figure(value=words.number(stars["total"]), name="stars", remark=more),
    )


def _is_weekly(activity: Sequence[Part]) -> bool:
    if len(activity) < 2:  # noqa: PLR2004 - a pair
        return False
    first, second = (date.fromisoformat(one["since"]) for one in activity[:2])
    return second - first == WEEK


def _bucket(one: Part, *, weekly: bool) -> str:
    when = words.day(one["since"], year=False)
    return f"{'week from ' if weekly else ''}{when}: {one['merged']:,} merged"


def _activity_text(counts: Sequence[int], texts: Sequence[str]) -> str:
    if not any(counts):
        return "Nothing was merged."
    most = max(range(len(counts)), key=counts.__getitem__)
    return f"{sum(counts):,} in all. The most: {texts[most]}. The table below has each number."


def _repositories(found: Sequence[Part]) -> tuple[Row, ...]:
    largest = max((one["merged"] for one in found), default=0)
    return tuple(
        Row(
            name=one["name"],
            count=one["merged"],
            share=charts.share(one["merged"], largest),
            additions=one["additions"] if one["sized"] else None,
            deletions=one["deletions"] if one["sized"] else None,
        )
        for one in found
    )


def _places(found: Sequence[Part]) -> tuple[Row, ...]:
    largest = max((one["count"] for one in found), default=0)
    return tuple(
        Row(name=one["name"], count=one["count"], share=charts.share(one["count"], largest))
        for one in found
    )


def _stars(found: Sequence[Part], *, shown: bool) -> tuple[Row, ...]:
    largest = max((one["stars"] for one in found), default=0)
    return tuple(
        Row(
            name=one["name"],
            count=one["stars"],
            share=charts.share(one["stars"], largest),
            remark=_gained(one) if shown else "",
        )
        for one in found
    )


def _gained(one: Part) -> str:
    if one["gained"] is not None:
        return f"+{one['gained']:,}"
    return REASONS.get(str(one["reason"]), "not known")


def _languages(found: Sequence[Part]) -> tuple[charts.Part, ...]:
    field = _field(found)
    counted = [(one["name"], one[field]) for one in found if one[field]]
    return charts.parts(sorted(counted, key=lambda pair: -pair[1]))


def _languages_by(found: Sequence[Part]) -> str:
    return "merged pull requests" if _field(found) == "pull_requests" else "own repositories"


def _field(found: Sequence[Part]) -> str:
    return "pull_requests" if any(one["pull_requests"] for one in found) else "repositories"
