"""What a report's page says of the report itself: how old it is, and what is done about it."""

from dataclasses import dataclass

from nightshift.console import words
from nightshift.core.clock import from_ms, rfc3339
from nightshift.reports.model import Failure, Progress, ReportState, Standing, Visitor


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """How it stands with a report, in words.

    Attributes:
        kind: of its look: fresh, stale, missing, busy or failed.
        lines: sentences below the title.
        action: what the visitor can do: "refresh", "log_in" or nothing.
        label: of the action's button.
        looks_left: how often the page will look again by itself; None if it does not.
        share: how much is done of what is being made, 0 to 100; None if it cannot be told.
        failed_at: when the last try failed, RFC 3339; None if it did not.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    action: str = ""
    label: str = ""
    looks_left: int | None = None
    share: float | None = None
    failed_at: str | None = None


def notice_of(standing: Standing, visitor: Visitor, *, looks_left: int) -> Notice:
    """Return what to say of a report to a visitor; a failure matters while nothing is made."""
    if standing.is_regenerating:
        return _busy(standing, looks_left)
    action = "refresh" if visitor.may_refresh else "" if visitor.is_signed_in else "log_in"
    if standing.failure is not None:
        return _failed(standing, standing.failure, action)
    if standing.state is ReportState.MISSING:
        return _missing(standing, action)
    age = words.ago(standing.age_s or 0)
    if standing.state is ReportState.STALE:
        label = "Log in to refresh" if action == "log_in" else "Refresh now"
        return Notice(
            kind="stale",
            title=f"This report is from {age.removesuffix(' ago')} ago.",
            lines=("What happened since is not in it.",),
            action=action,
            label=label,
        )
    return Notice(
        kind="fresh",
        title=f"Up to date, made {age}.",
        action="refresh" if visitor.may_refresh else "",
        label="Refresh now",
    )


def _busy(standing: Standing, looks_left: int) -> Notice:
    lines = [_progress(standing.progress)] if standing.progress else []
    if standing.report is not None:
        lines.append("Below is the report as it was.")
    if looks_left <= 0:
        lines.append("This page has stopped looking by itself.")
    return Notice(
        kind="busy",
        title="Regenerating",
        lines=tuple(lines),
        looks_left=looks_left if looks_left > 0 else None,
        share=_share(standing.progress),
    )


def _failed(standing: Standing, failure: Failure, action: str) -> Notice:
    has_old = standing.report is not None
    what = "refreshed" if has_old else "made"
    kept = ("Below is the report as it was.",) if has_old else ()
    labels = {"log_in": "Log in to refresh", "refresh": "Try again now"}
    return Notice(
        kind="failed",
        title=f"This report could not be {what}.",
        lines=(failure.message, *kept),
        action=action,
        label=labels.get(action, ""),
        failed_at=rfc3339(from_ms(failure.at_ms)),
    )


def _missing(standing: Standing, action: str) -> Notice:
    who = standing.wish.username
    labels = {"log_in": "Log in to have it made", "refresh": "Make it now"}
    return Notice(
        kind="missing",
        title=f"There is no report on {who} for this time yet.",
        lines=("Reports are made for whoever has signed in, and kept for everybody.",),
        action=action,
        label=labels.get(action, ""),
    )


def _progress(progress: Progress) -> str:
    step = f"At this moment: {progress.note.rstrip('.')}"
    if progress.total:
        return f"{step}, {progress.done:,} of {progress.total:,}."
    return f"{step}."


def _share(progress: Progress | None) -> float | None:
    if progress is None or not progress.total:
        return None
    return round(100 * min(1.0, progress.done / progress.total), 1)
