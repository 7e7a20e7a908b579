"""The sample events of the accounts function get the answers that a reader expects."""

import json
from pathlib import Path

import pytest

from tests.contract.door import Door

EVENTS = Path(__file__).parents[3] / "events" / "accounts"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("register", 201),
        ("login", 401),
        ("me", 401),
        ("sessions", 401),
        ("oidc_providers", 200),
    ],
)
def test_a_sample_event_is_answered(door: Door, name: str, status: int) -> None:
    """`sam local invoke -e` and this test read the same file."""
    event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    answer = door.handler(event, None)
    assert status == answer["statusCode"], answer["body"]
