"""Settings of pages."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleSettings:
    """What pages need to know of where they stand."""

    stage: str = setting(
        doc="Which stack this is.", choices=("local", "dev", "staging", "prod"), wiring=True
    )
    public_url: str = setting(default="", doc="The address that users see.", wiring=True)
