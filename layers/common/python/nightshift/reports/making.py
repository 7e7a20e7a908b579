"""Making a report: asks GitHub step by step, tells of each, and puts the document together."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from nightshift.core.clock import rfc3339
from nightshift.ports.github import (
    Contribution,
    Found,
    GitHub,
    GitHubUser,
    GitHubUserNotFoundError,
    GitHubUserRenamedError,
    Repository,
    Size,
    Span,
    StarGain,
)
from nightshift.reports import figures
from nightshift.reports.document import PeriodPart, Report, UserPart
from nightshift.reports.model import FORMAT, Wish
from nightshift.reports.settings import ReportSettings

SIZED_WITHOUT_TOKEN = 20
STARRED_WITHOUT_TOKEN = 3
Tell = Callable[[str, int, int | None], None]
"""Is told what comes next, and how far it is: done of total, where that can be counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """Makes the report that is wished for. `known_number` is the user's on an earlier report."""

    github: GitHub
    tell: Tell
    settings: ReportSettings
    now: datetime

    def make(self, wish: Wish, known_number: int | None) -> Report:
        """Return the report.

        Raises:
            GitHubError: GitHub did not tell all of it.
        """
        span = Span(start=wish.period.start, end=wish.period.end)
        user = self._user(wish.username, known_number)
        self.tell("pull requests", 0, None)
        merged = self.github.merged(user.login, span)
        sizes = self._sizes(merged)
        self.tell("reviews", 0, None)
        reviewed = self.github.reviewed(user.login, span)
        self.tell("issues", 0, None)
        issues = self.github.issues(user.login, span)
        self.tell("repositories", 0, None)
        own = self.github.repositories(user.login)
        gains = self._gains(own, span) if wish.show_star_increase else None
        return Report(
            format=FORMAT,
            user=_user_part(user),
            period=_period_part(wish, self.now),
            generated_at=rfc3339(self.now),
            pull_requests=figures.pull_requests(merged, sizes),
            activity=figures.activity(merged.items, span, self.now),
            repositories=figures.repositories(merged.items, sizes),
            reviews=figures.reviews(reviewed),
            issues=figures.issues(issues),
            languages=figures.languages(own.items, sizes),
            stars=figures.stars(own.items, gains),
            notes=tuple(self._notes(merged, sizes, own, [merged, reviewed, issues])),
        )

    def _user(self, username: str, known_number: int | None) -> GitHubUser:
        """Return the user; one that is not found may have changed its name."""
        self.tell("user", 0, None)
        try:
            return self.github.user(username)
        except GitHubUserNotFoundError:
            if known_number is None:
                raise
            raise GitHubUserRenamedError(self.github.login_of(known_number)) from None

    def _sizes(self, merged: Found[Contribution]) -> dict[tuple[str, int], Size]:
        wanted = merged.items[: self._allowed(self.settings.report_max_sized, SIZED_WITHOUT_TOKEN)]
        sizes = {}
        for done, item in enumerate(wanted):
            self.tell("sizes", done, len(wanted))
            size = self.github.size(item)
            if size is not None:
                sizes[figures.key_of(item)] = size
        return sizes

    def _gains(self, own: Found[Repository], span: Span) -> dict[str, StarGain]:
        limit = self._allowed(self.settings.report_max_starred, STARRED_WITHOUT_TOKEN)
        wanted = figures.starred(own.items)[:limit]
        gains = {}
        for done, repository in enumerate(wanted):
            self.tell("stars", done, len(wanted))
            gains[repository.name] = self.github.star_gain(repository, span)
        return gains

    def _allowed(self, limit: int, without_token: int) -> int:
        return limit if self.github.has_token else min(limit, without_token)

    def _notes(
        self,
        merged: Found[Contribution],
        sizes: dict[tuple[str, int], Size],
        own: Found[Repository],
        searches: list[Found[Contribution]],
    ) -> list[str]:
        notes = []
        if len(sizes) < merged.total:
            notes.append(f"Lines are those of {len(sizes):,} of {merged.total:,} pull requests.")
        if len(merged.items) < merged.total:
            notes.append(
                f"Repositories and the course of time show the newest {len(merged.items):,} of "
                f"{merged.total:,} merged pull requests."
            )
        if not own.is_complete:
            notes.append(f"Only the {len(own.items):,} latest repositories were looked at.")
        if not all(found.is_complete for found in searches):
            notes.append("GitHub's search gave up before it had looked everywhere.")
        return notes


def _user_part(user: GitHubUser) -> UserPart:
    return UserPart(
        number=user.number,
        login=user.login,
        name=user.name,
        followers=user.followers,
        public_repositories=user.public_repositories,
        created_at=rfc3339(user.created_at),
    )


def _period_part(wish: Wish, now: datetime) -> PeriodPart:
    period = wish.period
    return PeriodPart(
        label=period.label, since=rfc3339(period.start), until=rfc3339(min(period.end, now))
    )


def encode(report: Report) -> bytes:
    """Return the report as JSON."""
    return json.dumps(asdict(report), ensure_ascii=False, separators=(",", ":")).encode()


def number_in(document: bytes) -> int | None:
    """Return the number of the user that a stored report is on, None if it does not say."""
    number = json.loads(document).get("user", {}).get("number")
    return number if isinstance(number, int) else None
