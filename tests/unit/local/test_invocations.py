"""Events on their way from the emulator to functions."""

import json
from typing import Any

import pytest

from infra.local.invocations import with_cookies


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
