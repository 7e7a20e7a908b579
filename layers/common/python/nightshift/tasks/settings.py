"""Settings of the tasks context."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksTable:
    """Where tasks lie."""

    tasks_table: str = setting(doc="The table of tasks.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskSettings:
    """How tasks behave, for all users."""

    misfire_grace_s: int = setting(
        default=60,
        unit="seconds",
        ge=1,
        le=3600,
        doc="How late a slot may be dispatched and still not count as a misfire.",
    )
    misfire_queue_grace_s: int = setting(
        default=900,
        unit="seconds",
        ge=60,
        le=86_400,
        doc="How long a dispatched slot may wait in the queue and still not count as a misfire.",
    )
    misfire_tolerance_s: int = setting(
        default=86_400,
        unit="seconds",
        ge=60,
        le=30 * 86_400,
        doc="How far back missed slots of tasks with misfire `run_all` are made up for.",
    )
    pause_after_failures: int = setting(
        default=10,
        unit="slots",
        ge=1,
        le=100,
        doc="After how many failed slots in a row a recurring task pauses itself.",
    )
    backfill_max_runs: int = setting(
        default=1_000,
        unit="runs",
        ge=1,
        le=10_000,
        doc="How many runs one backfill of a task may start.",
    )
    signing_overlap_s: int = setting(
        default=86_400,
        unit="seconds",
        ge=0,
        le=30 * 86_400,
        doc="How long the old signing secret still signs beside the new one after a rotation.",
    )
    allow_loopback: bool = setting(
        default=False,
        doc="Let webhooks reach 127.0.0.1 and ::1. The local stack sets 1 unless told otherwise; "
        "a deployed stack refuses it.",
    )
