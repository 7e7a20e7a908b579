"""The one local stack that all tests marked `stack` of a session share."""

from collections.abc import Iterator

import pytest

from tests.integration.stack.harness import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on a free port, with a data directory of its own and no demo user or task."""
    with running(tmp_path_factory.mktemp("stack") / "data") as started:
        yield started
