"""Crowds over the thread-safe table: one job for a key, so many at once for a subject."""

import pytest

from nightshift.jobs.model import JobStatus
from tests.load import bench_unique
from tests.support.rush import Rush

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""


@pytest.mark.parametrize(("together", "rounds"), [(50, 40), (1_000, 3)])
def test_many_requests_for_one_key_make_one_job(together: int, rounds: int) -> None:
    """Everybody gets the id of the one job, each round; all of them saw the key free."""
    found = bench_unique.measure(rounds, together)
    assert ([], rounds) == (bench_unique.missed(found), found.created)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_subject_never_has_more_at_work_than_it_may(concurrency: int) -> None:
    """Fifty enqueue, sixteen work; none is lost, none costs an attempt more.

    How many of those that may be at work do meet is the machine's affair, but some do.
    """
    rush = Rush(jobs=200, concurrency=concurrency).run()
    assert min(2, concurrency) <= rush.most <= concurrency
    assert ({JobStatus.COMPLETED: 200}, {1: 200}) == (rush.statuses, rush.attempts)
