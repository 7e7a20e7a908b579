"""What the end-to-end tests of tasks share."""

from collections.abc import Iterator

import pytest

from tests.integration.stack.harness import Stack
from tests.integration.tasks.client import Client
from tests.integration.tasks.receiver import Receiver, receiving


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiving() as started:
        yield started


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    """A user of the module's own."""
    return Client(stack, stack.register())
