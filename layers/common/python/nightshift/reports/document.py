"""The report as a document: plain values that become JSON for the API, the cache and the page."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class UserPart:
    """The reported user; `number` is GitHub's own, which stays when the login changes."""

    number: int
    login: str
    name: str
    followers: int
    public_repositories: int
    created_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodPart:
    """The period: up to and without `until`, which is the time of the making if that is earlier."""

    label: str
    since: str
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestPart:
    """A merged pull request; the size is None where it was not asked for."""

    repository: str
    number: int
    title: str
    merged_at: str
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestsPart:
    """Merged pull requests: how many in all, how many were read, and of those how many sized.

    The sums are those of the sized ones.
    """

    merged: int
    read: int
    sized: int
    additions: int
    deletions: int
    changed_files: int
    latest: tuple[PullRequestPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityPart:
    """What was merged from a day on, up to the next entry's."""

    since: str
    merged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryPart:
    """A repository to which something was merged; the sums are those of its `sized` ones."""

    name: str
    merged: int
    sized: int
    additions: int
    deletions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CountPart:
    """How many of something there are by a name."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewsPart:
    """Others' pull requests, opened in the period, that the user reviewed; the newest by place."""

    total: int
    read: int
    repositories: tuple[CountPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuesPart:
    """Issues that the user opened in the period; of those read, how many are closed by now."""

    total: int
    read: int
    closed: int
    repositories: tuple[CountPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguagePart:
    """A language: in how many own repositories, and of how many sized pull requests."""

    name: str
    repositories: int
    pull_requests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StarredPart:
    """An own repository with stars. `gained` is None where nobody asked or `reason` says why."""

    name: str
    language: str | None
    stars: int
    gained: int | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StarsPart:
    """The stars of the user's own repositories, forks left out.

    `gained` adds up what is known, None where nothing is or nobody asked; `is_whole` tells whether
    all of them were counted.
    """

    total: int
    gained: int | None
    is_whole: bool
    repositories: tuple[StarredPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A whole report. `notes` are sentences on what it leaves out."""

    format: int
    user: UserPart
    period: PeriodPart
    generated_at: str
    pull_requests: PullRequestsPart
    activity: tuple[ActivityPart, ...]
    repositories: tuple[RepositoryPart, ...]
    reviews: ReviewsPart
    issues: IssuesPart
    languages: tuple[LanguagePart, ...]
    stars: StarsPart
    notes: tuple[str, ...]
