"""GitHub: what somebody did there, as its REST API tells it, without how it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from nightshift.core.errors import NightshiftError

T = TypeVar("T")


class GitHubError(NightshiftError):
    """GitHub did not tell what it was asked.

    `retryable` tells whether the same question may be answered later.
    """

    slug = "github_failed"
    status = 502
    retryable: ClassVar[bool] = False


class GitHubUserNotFoundError(GitHubError):
    """GitHub knows no such user."""

    slug = "github_user_not_found"
    status = 404


class GitHubUserRenamedError(GitHubError):
    """The user has another name on GitHub now."""

    slug = "github_user_renamed"
    status = 404

    def __init__(self, login: str) -> None:
        """Name the user as GitHub does now."""
        self.login = login
        super().__init__(f"On GitHub this user is called {login} now.")


class GitHubRateLimitedError(GitHubError):
    """GitHub's limit of requests is used up; try again later."""

    slug = "github_rate_limited"
    status = 429
    retryable = True


class GitHubRefusedError(GitHubError):
    """GitHub refuses our requests; whoever runs this service must look at its token."""

    slug = "github_refused"


class GitHubUnavailableError(GitHubError):
    """GitHub does not answer; try again later."""

    slug = "github_unavailable"
    status = 503
    retryable = True


class GitHubMalformedError(GitHubError):
    """GitHub's answer cannot be understood."""

    slug = "github_malformed"
    retryable = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A time from `start` up to and without `end`, both aware and whole seconds."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubUser:
    """A user. `number` stays when the login changes."""

    number: int
    login: str
    name: str
    followers: int
    public_repositories: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """An issue or a pull request in `repository` ("owner/name").

    `closed_at` is when it was merged, for a pull request that was.
    """

    repository: str
    number: int
    title: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a pull request is, in lines and files, and what its repository is written in."""

    additions: int
    deletions: int
    changed_files: int
    language: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A public repository of the user's own ("owner/name")."""

    name: str
    language: str | None
    stars: int
    is_fork: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGain:
    """How many stars a repository got in a span; None, and `reason`, where that is not known."""

    gained: int | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found(Generic[T]):
    """What was found. `total` counts all there is, `items` may be fewer.

    `is_complete` is false where GitHub itself says that it did not look everywhere.
    """

    total: int
    items: Sequence[T]
    is_complete: bool = True


class Pace(Protocol):
    """How whoever asks wants it done: is told of progress, decides on waiting, may stop it."""

    def asked(self) -> None:
        """Hear that one more question is about to be asked; raise to stop."""
        ...

    def got(self, done: int, total: int) -> None:
        """Hear how far a long list has come."""
        ...

    def may_wait(self, seconds: float) -> bool:
        """Tell whether to wait so long for the sake of GitHub's limits."""
        ...


class GitHub(Protocol):
    """Public facts only, each bounded in the number of requests it costs.

    Raises:
        GitHubError: from every method, one subclass for each way to fail; and whatever the pace
            raises. Asking again does not repeat what was answered a short while ago.
    """

    def user(self, login: str) -> GitHubUser:
        """Return the user of this name.

        Raises:
            GitHubUserNotFoundError: nobody is called so.
            GitHubUserRenamedError: GitHub points to somebody of another name.
        """
        ...

    def login_of(self, number: int) -> str:
        """Return what the user of this number is called now.

        Raises:
            GitHubUserNotFoundError: the account is gone.
        """
        ...

    def merged(self, login: str, span: Span) -> Found[Contribution]:
        """Return the pull requests of the user that were merged in the span, newest first."""
        ...

    def reviewed(self, login: str, span: Span) -> Found[Contribution]:
        """Return others' pull requests, opened in the span, that the user reviewed."""
        ...

    def issues(self, login: str, span: Span) -> Found[Contribution]:
        """Return the issues that the user opened in the span."""
        ...

    def size(self, pull_request: Contribution) -> Size | None:
        """Return how large a pull request is; None if its repository is gone meanwhile."""
        ...

    def repositories(self, login: str) -> Found[Repository]:
        """Return the user's own repositories."""
        ...

    def star_gain(self, repository: Repository, span: Span) -> StarGain:
        """Return how many of the repository's stars were given in the span."""
        ...

    @property
    def has_token(self) -> bool:
        """Whether it asks with a token; without one GitHub answers far fewer questions."""
        ...
