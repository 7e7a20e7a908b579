"""What the stand-in is made of in a running function."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from nightshift.core.clock import SystemClock
from nightshift.core.environment import load
from nightshift.github_stand_in import gateway
from nightshift.github_stand_in.limits import GENEROUS, Meter
from nightshift.github_stand_in.service import StandIn
from nightshift.github_stand_in.settings import StandInSettings


@cache
def stand_in() -> StandIn:
    """Return the process's stand-in.

    Raises:
        SettingsError: the environment lacks its address.
    """
    said = load(StandInSettings, os.environ)
    meter = Meter(windows=dict(GENEROUS))
    return StandIn(SystemClock(), base_url=f"{said.public_url}{gateway.ROOT}", meter=meter)


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one event of the HTTP API."""
    return gateway.answer(stand_in(), event)
