"""An accounts app over an in-memory world."""

from collections.abc import Callable
from typing import Any

import pytest

from nightshift.identity.accounts_wiring import build_accounts_app
from tests.contract.door import ENVIRON, PASSWORD, Door, World, make_world


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def door(world: World) -> Door:
    return Door(handler=build_accounts_app(ENVIRON, world.outside))


@pytest.fixture
def registered(door: Door) -> dict[str, Any]:
    return register(door, "ada@example.com")


Registered = Callable[[str], dict[str, Any]]


def register(door: Door, email: str) -> dict[str, Any]:
    """Make an account and return the answer's body."""
    answer = door(
        "POST",
        "/auth/register",
        json_body={"email": email, "password": PASSWORD, "name": "Ada"},
    )
    assert answer.status == 201, answer.text
    body: dict[str, Any] = answer.json
    return body
