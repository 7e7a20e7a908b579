"""Keys of the payloads bucket: nothing is deleted before it was needed."""

import dataclasses
from datetime import timedelta

import pytest

from nightshift.jobs.enqueue import MAX_DELAY
from nightshift.jobs.retention import DAY_S, TERMS_DAYS, payload_key, result_key, term
from nightshift.jobs.settings import EngineSettings
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

LARGE = "x" * 10_000


def _days(key: str) -> int:
    return int(key.split("/")[1].removesuffix("d"))


@pytest.mark.parametrize("days", TERMS_DAYS)
def test_a_term_covers_its_last_second(days: int) -> None:
    """What is needed for exactly a term gets that term, a second more gets the next."""
    assert days == term(days * DAY_S)
    later = [longer for longer in TERMS_DAYS if longer > days]
    if later:
        assert later[0] == term(days * DAY_S + 1)


def test_what_no_term_covers_is_refused() -> None:
    """Rather than being deleted too early."""
    with pytest.raises(ValueError, match="8000 days"):
        term(8_000 * DAY_S + 1)


def test_the_longest_wait_and_the_longest_retention_have_a_term() -> None:
    """Whatever may be asked for and set can be kept."""
    (retention,) = [f for f in dataclasses.fields(EngineSettings) if f.name == "run_retention_days"]
    needed = MAX_DELAY + timedelta(days=retention.metadata["le"])
    assert TERMS_DAYS[-1] == term(needed.total_seconds())


def test_keys_say_what_they_are() -> None:
    """A payload by its job, a result by its job and a name."""
    assert payload_key("j", needed_s=1) == "payloads/35d/j.json"
    assert result_key("j", "2.csv", needed_s=50 * DAY_S) == "results/100d/j/2.csv"


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(days=200), timedelta(days=3_000)])
def test_a_payload_outlives_the_wait_of_its_job(wait: timedelta) -> None:
    """However late a job is due, the bucket still has its payload, and for the retention after."""
    world = World()
    kind = kind_of(Hand())
    world.machine.add(kind)
    due = world.clock.now() + wait
    world.machine.jobs.enqueue(kind, Chore(ballast=LARGE), owner_id=OWNER, run_at=due)
    (key,) = world.blobs.blobs
    assert timedelta(days=_days(key)) >= wait + timedelta(days=world.machine.parts.retention_days)
