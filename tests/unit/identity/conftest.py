"""An accounts app over an in-memory world."""

from typing import Any

import jwt
import pytest

from nightshift.adapters.uploads import MemoryUploads
from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_accounts_app
from tests.contract.door import ENVIRON, Door, World, make_world, register


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def door(world: World) -> Door:
    return Door(
        handler=build_accounts_app(ENVIRON, world.outside, Neighbours(uploads=MemoryUploads()))
    )


@pytest.fixture
def ada(door: Door) -> dict[str, Any]:
    return register(door, "ada@example.com")


@pytest.fixture
def claims(ada: dict[str, Any]) -> dict[str, Any]:
    """The claims of a good token, read without judging it."""
    found: dict[str, Any] = jwt.decode(ada["access_token"], options={"verify_signature": False})
    return found
