"""Settings of the settings: where they are and how long a process believes what it read."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsSettings:
    """What a function needs that reads settings."""

    settings_table: str = setting(
        doc="Table of the settings that people change while the stack runs.", wiring=True
    )
    settings_cache_s: int = setting(
        doc=(
            "How long a process goes on with the server settings that it has read: after so long "
            "a change counts everywhere. 0 reads them each time."
        ),
        default=10,
        unit="seconds",
        ge=0,
        le=300,
    )
