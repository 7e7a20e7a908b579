"""Settings of the audit log."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """Where the log is and how long it is kept.

    The retention is set where the stack is deployed and not by administrators of the API, so that
    nobody can shorten the memory of what was done with the API by means of the API.
    """

    audit_table: str = setting(doc="Table of the audit log.", wiring=True)
    audit_retention_days: int = setting(
        doc="How long an event of the audit log is kept; a change is for new events.",
        default=400,
        unit="days",
        ge=1,
        le=3_650,
    )
