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
    tasks_table: str = setting(doc="The table of tasks.", wiring=True)
    runs_queue_url: str = setting(default="", doc="The queue of runs.", wiring=True)
    bus_name: str = setting(default="", doc="The bus of domain events.", wiring=True)
    sealing_key_param: str = setting(
        default="",
        doc="The SSM parameter with the key that signing secrets are derived from.",
        wiring=True,
    )
