"""Settings of the engine."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """What every function that works with jobs needs to know of its surroundings."""

    stage: str = setting(
        doc="Which stack this is; `local` allows what a deployed stack refuses.",
        choices=("local", "dev", "staging", "prod"),
        wiring=True,
    )
    jobs_table: str = setting(doc="The table of seats, records and the agenda.", wiring=True)
    critical_queue_url: str = setting(
        default="", doc="The queue of runs and other short outbound calls.", wiring=True
    )
    default_queue_url: str = setting(
        default="", doc="The queue of the work that users wait for.", wiring=True
    )
    low_queue_url: str = setting(
        default="", doc="The queue of the work that nobody waits for.", wiring=True
    )
    payloads_bucket: str = setting(
        default="", doc="The bucket of payloads and results too large for a table.", wiring=True
    )
    run_retention_days: int = setting(
        default=30, unit="days", ge=1, le=3650,
        doc="How long runs, jobs and their logs are kept after their end.",
    )  # fmt: skip
    max_queue_depth: int = setting(
        default=100_000, unit="messages", ge=1, le=10_000_000,
        doc="How full a queue may be before what is to be enqueued is refused with 429.",
    )  # fmt: skip
    bus_name: str = setting(default="", doc="The bus of domain events.", wiring=True)
    sealing_key_param: str = setting(
        default="",
        doc="The SSM parameter with the key that signing secrets are derived from.",
        wiring=True,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadQueueSettings:
    """Where messages go that no worker could finish."""

    critical_dead_queue_url: str = setting(
        doc="The dead-letter queue of the queue `critical`.", wiring=True
    )
    default_dead_queue_url: str = setting(
        doc="The dead-letter queue of the queue `default`.", wiring=True
    )
    low_dead_queue_url: str = setting(doc="The dead-letter queue of the queue `low`.", wiring=True)
