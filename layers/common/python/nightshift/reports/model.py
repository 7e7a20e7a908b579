"""What a report is, what is wished for, and how it stands with it."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from nightshift.core.access import Caller, Permission
from nightshift.reports.periods import Period

KIND = "report.generate"
FORMAT = 1
"""The form of a report; a new one makes all reports anew."""
CLAIM_MARGIN_S = 60.0
"""For how long after an attempt should have ended a report still counts as being made."""
USERNAME_PATTERN = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}"
"""GitHub's rule: letters, digits and single hyphens within, 39 characters at most."""


class ReportState(StrEnum):
    """How it stands with a report."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    REGENERATING = "regenerating"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """The report that somebody wishes to see; `username` as they wrote it."""

    username: str
    period: Period
    show_star_increase: bool = False

    @property
    def user_key(self) -> str:
        """The reported user, however the name is written."""
        return self.username.lower()

    @property
    def variant(self) -> str:
        """What tells this report from others of the same user: the period, and a hash of the rest.

        Its form stands in the keys of the cache and of jobs.
        """
        parameters = f"format={FORMAT} stars={int(self.show_star_increase)}"
        return f"{self.period.label}:{hashlib.sha256(parameters.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who looks: `user_id` None for nobody known; only who `may_refresh` has reports made anew."""

    user_id: str | None = None
    may_refresh: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Whether we know who it is."""
        return self.user_id is not None


ANONYMOUS = Visitor()


def visitor_of(caller: Caller | None) -> Visitor:
    """Return who looks at a report."""
    if caller is None:
        return ANONYMOUS
    may = Permission.REPORTS_WRITE in caller.permissions
    return Visitor(user_id=caller.user_id, may_refresh=may)


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeReport:
    """The payload of `report.generate`; `asked_by` is whoever's visit made the job."""

    username: str
    period: str
    show_star_increase: bool
    variant: str
    asked_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a report could not be made, when in milliseconds since the epoch."""

    error: str
    message: str
    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the making is: what it is at, and `done` of `total`, where that can be counted."""

    note: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A report as it stands. `report` is its JSON, None while there is none.

    `age_s` is the age of what is kept, in seconds. `failure` says why the last try to make it anew
    failed, None since one succeeded.
    """

    wish: Wish
    state: ReportState
    is_stale: bool = False
    report: bytes | None = None
    age_s: int | None = None
    job_id: str | None = None
    progress: Progress | None = None
    failure: Failure | None = None

    @property
    def is_regenerating(self) -> bool:
        """Whether it is being made anew."""
        return self.state is ReportState.REGENERATING
