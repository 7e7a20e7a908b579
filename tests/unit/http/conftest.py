"""The toy app over an in-memory world."""

import pytest

from tests.contract.door import Door, World, make_world
from tests.unit.http.toys import Toys, build_toys


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
def door(world: World, toys: Toys) -> Door:
    return Door(handler=build_toys(world, toys))
