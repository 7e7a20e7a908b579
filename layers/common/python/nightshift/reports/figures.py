"""What the figures of a report are made of: pure functions from what GitHub told."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from nightshift.core.clock import rfc3339
from nightshift.ports.github import Contribution, Found, Repository, Size, Span, StarGain
from nightshift.reports.document import (
    ActivityPart,
    CountPart,
    IssuesPart,
    LanguagePart,
    PullRequestPart,
    PullRequestsPart,
    RepositoryPart,
    ReviewsPart,
    StarredPart,
    StarsPart,
)

LATEST = 30
"""Pull requests that are named one by one."""
TOP = 50
"""Repositories and languages that are named one by one."""
DAILY_DAYS = 31
WEEK_DAYS = 7

Sizes = Mapping[tuple[str, int], Size]


def key_of(item: Contribution) -> tuple[str, int]:
    """Return what tells a pull request from all others."""
    return item.repository, item.number


def pull_requests(found: Found[Contribution], sizes: Sizes) -> PullRequestsPart:
    """Return the sums, and the newest ones by name."""
    return PullRequestsPart(
        merged=found.total,
        read=len(found.items),
        sized=len(sizes),
        additions=sum(size.additions for size in sizes.values()),
        deletions=sum(size.deletions for size in sizes.values()),
        changed_files=sum(size.changed_files for size in sizes.values()),
        latest=tuple(_pull_request(item, sizes) for item in found.items[:LATEST]),
    )


def _pull_request(item: Contribution, sizes: Sizes) -> PullRequestPart:
    size = sizes.get(key_of(item))
    return PullRequestPart(
        repository=item.repository,
        number=item.number,
        title=item.title,
        merged_at=rfc3339(item.closed_at or item.created_at),
        additions=size.additions if size else None,
        deletions=size.deletions if size else None,
        changed_files=size.changed_files if size else None,
    )


def activity(items: Sequence[Contribution], span: Span, now: datetime) -> tuple[ActivityPart, ...]:
    """Return what was merged by day, or by week (from Monday on) in a longer span; zeros too."""
    daily = (span.end - span.start).days <= DAILY_DAYS
    step = timedelta(days=1 if daily else WEEK_DAYS)
    first = span.start if daily else span.start - timedelta(days=span.start.weekday())
    counted = Counter(_bucket(item, first, step) for item in items)
    buckets = []
    start = first
    while start < min(span.end, now):
        buckets.append(ActivityPart(since=start.date().isoformat(), merged=counted[start]))
        start += step
    return tuple(buckets)


def _bucket(item: Contribution, first: datetime, step: timedelta) -> datetime:
    day = datetime.combine((item.closed_at or item.created_at).date(), time.min, UTC)
    return first + step * ((day - first) // step)


def repositories(items: Sequence[Contribution], sizes: Sizes) -> tuple[RepositoryPart, ...]:
    """Return where things were merged, the busiest first."""
    by_name: dict[str, list[Contribution]] = defaultdict(list)
    for item in items:
        by_name[item.repository].append(item)
    parts = [_repository(name, mine, sizes) for name, mine in by_name.items()]
    return tuple(sorted(parts, key=lambda part: (-part.merged, part.name))[:TOP])


def _repository(name: str, mine: Sequence[Contribution], sizes: Sizes) -> RepositoryPart:
    sized = [sizes[key_of(item)] for item in mine if key_of(item) in sizes]
    return RepositoryPart(
        name=name,
        merged=len(mine),
        sized=len(sized),
        additions=sum(size.additions for size in sized),
        deletions=sum(size.deletions for size in sized),
    )


def reviews(found: Found[Contribution]) -> ReviewsPart:
    """Return how much was reviewed, and where."""
    return ReviewsPart(total=found.total, read=len(found.items), repositories=_places(found.items))


def issues(found: Found[Contribution]) -> IssuesPart:
    """Return how many issues were opened, and where."""
    return IssuesPart(
        total=found.total,
        read=len(found.items),
        closed=sum(item.closed_at is not None for item in found.items),
        repositories=_places(found.items),
    )


def _places(items: Sequence[Contribution]) -> tuple[CountPart, ...]:
    counted = Counter(item.repository for item in items)
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(CountPart(name=name, count=count) for name, count in ordered[:TOP])


def languages(own: Sequence[Repository], sizes: Sizes) -> tuple[LanguagePart, ...]:
    """Return what own repositories and sized pull requests are written in, most used first."""
    kept = Counter(r.language for r in own if r.language and not r.is_fork)
    merged = Counter(size.language for size in sizes.values() if size.language)
    parts = [
        LanguagePart(name=name, repositories=kept[name], pull_requests=merged[name])
        for name in kept.keys() | merged.keys()
    ]
    return tuple(sorted(parts, key=_usage)[:TOP])


def _usage(part: LanguagePart) -> tuple[int, int, str]:
    return -part.pull_requests, -part.repositories, part.name


def starred(own: Sequence[Repository]) -> list[Repository]:
    """Return the own repositories with stars, most first; forks are others' work."""
    mine = [r for r in own if r.stars and not r.is_fork]
    return sorted(mine, key=lambda r: (-r.stars, r.name))


def stars(own: Sequence[Repository], gains: Mapping[str, StarGain] | None) -> StarsPart:
    """Return the stars; `gains` by repository, None where nobody asked for them."""
    mine = starred(own)
    known = [gain.gained for gain in (gains or {}).values() if gain.gained is not None]
    missing = [r for r in mine if gains is not None and r.name not in gains]
    whole = gains is not None and len(known) == len(gains) and not missing
    parts = tuple(_starred(r, gains) for r in mine[:TOP])
    return StarsPart(
        total=sum(r.stars for r in mine),
        gained=sum(known) if gains is not None and (known or not mine) else None,
        is_whole=whole,
        repositories=parts,
    )


def _starred(repository: Repository, gains: Mapping[str, StarGain] | None) -> StarredPart:
    otherwise = StarGain(gained=None, reason=None if gains is None else "not_asked")
    gain = (gains or {}).get(repository.name, otherwise)
    return StarredPart(
        name=repository.name,
        language=repository.language,
        stars=repository.stars,
        gained=gain.gained,
        reason=gain.reason,
    )
