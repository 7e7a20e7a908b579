"""Events on their way from the emulator to functions."""

import asyncio
import json
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from infra.local.functions.pool import FunctionSpec
from infra.local.invocations import spec_finder, with_cookies


def event(**headers: str) -> dict[str, Any]:
    """Return an HTTP API's event as the emulator makes it."""
    return {"requestContext": {"http": {"method": "GET"}}, "headers": headers, "rawPath": "/"}


def test_cookies_stand_where_the_gateway_has_them() -> None:
    """Payload 2.0 lists them beside the headers, and has no header of them."""
    sent = event(accept="*/*", cookie="a=1; b=2=3;c=") | {"body": "x"}
    expected = event(accept="*/*") | {"body": "x", "cookies": ["a=1", "b=2=3", "c="]}
    assert expected == json.loads(with_cookies(json.dumps(sent).encode()))
    upper = event(Cookie="a=1")
    assert ["a=1"] == json.loads(with_cookies(json.dumps(upper).encode()))["cookies"]


@pytest.mark.parametrize(
    "sent",
    [event(accept="*/*"), {"Records": [{"body": '"cookie"'}]}, {"cookie": 1}, ["cookie"], "cookie"],
    ids=str,
)
def test_other_events_stay_as_they_are(sent: object) -> None:
    """To the byte."""
    data = json.dumps(sent).encode()
    assert data == with_cookies(data)


def test_an_emulator_that_is_gone_is_no_crash() -> None:
    """Whoever still calls while the stack ends hears that there is no such function."""
    find = spec_finder(
        root=Path(), python=Path(sys.executable), endpoint="http://127.0.0.1:9", functions={}
    )
    with pytest.raises(LookupError, match="does not say what nightshift-local-api is"):
        asyncio.run(_awaited(find("nightshift-local-api")))


async def _awaited(found: Awaitable[FunctionSpec]) -> FunctionSpec:
    return await found
