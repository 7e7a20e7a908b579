"""What the end-to-end tests of memos share."""

import pytest

from tests.integration.stack.harness import Stack
from tests.integration.tasks.client import Client


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    """A user of the module's own."""
    return Client(stack, stack.register())
