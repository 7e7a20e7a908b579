"""Settings of the stand-in of GitHub."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class StandInSettings:
    """The environment of the stand-in's function."""

    public_url: str = setting(doc="The address that users see.", wiring=True)
