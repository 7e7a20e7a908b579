"""Queries and answers of the reports API."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from nightshift.core.clock import from_ms, rfc3339
from nightshift.http.schemas import ApiModel, QueryModel, UtcTime
from nightshift.reports.document import Report
from nightshift.reports.model import ReportState, Standing
from nightshift.reports.periods import DEFAULT, FORMS, MAX_CHARS


class ReportQuery(QueryModel):
    """Which report, and whether to have it made anew."""

    period: str = Field(
        default=DEFAULT, max_length=MAX_CHARS, description=f"The time, in UTC: {FORMS}."
    )
    show_star_increase: bool = Field(
        default=False, description="Count the stars that were given in the period, too."
    )
    force: bool = Field(
        default=False,
        description="Have it made anew even if it is fresh. Without credentials it has no effect.",
    )


class ProgressAnswer(ApiModel):
    """How far the making is."""

    note: str = Field(description="What it is at.")
    done: int
    total: int | None


class FailureAnswer(ApiModel):
    """Why the last try to make the report failed."""

    error: str = Field(description="A stable word.")
    message: str
    at: UtcTime


class ReportAnswer(ApiModel):
    """A report as it stands: what is cached comes at once, with its age."""

    username: str
    period: str
    state: ReportState
    is_regenerating: bool
    is_stale: bool = Field(description="Whether what is shown is older than it should be.")
    cache_age_seconds: int | None = Field(description="Null while there is no report.")
    generated_at: UtcTime | None
    job_id: str | None = Field(description="The job that makes it anew, while one does.")
    progress: ProgressAnswer | None = Field(description="How far that job is.")
    last_error: FailureAnswer | None = Field(description="Null since a report was made.")
    report: Report | None


def answer_of(standing: Standing) -> Mapping[str, Any]:
    """Return the JSON of a `ReportAnswer`; a stored report is not looked into."""
    report = json.loads(standing.report) if standing.report is not None else None
    progress, failure = standing.progress, standing.failure
    return {
        "username": report["user"]["login"] if report else standing.wish.username,
        "period": standing.wish.period.label,
        "state": standing.state.value,
        "is_regenerating": standing.is_regenerating,
        "is_stale": standing.is_stale,
        "cache_age_seconds": standing.age_s,
        "generated_at": report["generated_at"] if report else None,
        "job_id": standing.job_id,
        "progress": progress
        and {"note": progress.note, "done": progress.done, "total": progress.total},
        "last_error": failure
        and {
            "error": failure.error,
            "message": failure.message,
            "at": rfc3339(from_ms(failure.at_ms)),
        },
        "report": report,
    }
