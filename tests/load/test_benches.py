"""The budgets of `make bench`; each test prints what it measured."""

import os
from pathlib import Path

import pytest

from tests.load import (
    bench_cost,
    bench_crowd,
    bench_engine,
    bench_init,
    bench_lateness,
    bench_page,
    bench_refresh,
    bench_rescue,
    bench_sender,
    bench_simulation,
    bench_tick,
    bench_unique,
    bench_who_exists,
)

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("kind", bench_cost.KINDS)
def test_a_million_runs_cost_at_most_two_dollars(kind: str) -> None:
    """DynamoDB, SQS, Lambda, logs and events of one delivered and logged run, at list prices."""
    found = bench_cost.measured(kind)

    _show(bench_cost.shown(kind, found))
    assert [] == bench_cost.missed(found)


def test_a_tick_reads_what_is_due_not_what_exists() -> None:
    """A thousand times the tasks, the same number due: at most 5 % more read units."""
    found = bench_tick.measure()

    _show(bench_tick.shown(found))
    assert [] == bench_tick.missed(found)


def test_functions_start_about_as_fast_as_their_least_imports() -> None:
    """Init against Powertools' Logger and a boto3 client, in the same rounds."""
    found = bench_init.measure(bench_init.ROUNDS)

    _show(bench_init.shown(found))
    assert [] == bench_init.missed(found)


def test_a_call_costs_less_cpu_than_by_the_usual_client() -> None:
    """The sender, which connects anew for each call, against httpx doing the same."""
    found = bench_sender.measure()

    _show(bench_sender.shown(found))
    assert [] == bench_sender.missed(found)


def test_calls_start_at_their_second(tmp_path: Path) -> None:
    """All runs of one minute on the local stack: each once, never early, the product's part small.

    The emulator's part of the lateness is measured and shown, not held against the budget.
    """
    found = bench_lateness.round_of(bench_lateness.RUNS, tmp_path)

    _show(bench_lateness.shown(found))
    assert [] == bench_lateness.missed(found)


def test_a_killed_listener_is_made_up_for_with_nobody_lending_a_hand(tmp_path: Path) -> None:
    """The scheduled sweeper finds the run; the log has a lost attempt and a good one."""
    found = bench_rescue.measure(tmp_path)

    _show(bench_rescue.shown(found))
    assert [] == bench_rescue.missed(found)


def test_a_job_that_does_nothing_costs_no_more_writes_than_it_needs() -> None:
    """Write units by the size-accurate fake; CPU beside other systems is shown, not judged."""
    found = bench_engine.units()

    _show(bench_engine.units_shown(found))
    _show(bench_engine.cpu_shown(bench_engine.cpu(rounds=1)))
    assert [] == bench_engine.missed(found)


@pytest.mark.parametrize("together", bench_unique.CROWDS)
def test_many_requests_for_one_key_make_one_job(together: int) -> None:
    """All of them find the key free before the first takes it, in every round."""
    found = bench_unique.measure(bench_unique.ROUNDS, together)

    _show(bench_unique.shown(found))
    assert [] == bench_unique.missed(found)


@pytest.mark.parametrize("limit", bench_unique.LIMITS)
def test_a_subject_never_has_more_at_work_than_it_may(limit: int) -> None:
    """A thousand enqueue at once, sixteen work."""
    found = bench_unique.rushed(limit)

    _show(bench_unique.rushed_shown(found))
    assert [] == found.problems


def test_fifty_refreshes_at_once_leave_one_family() -> None:
    """Two hundred rounds, in most of which the winning write goes wrong."""
    found = bench_refresh.measure()

    _show(bench_refresh.shown(found))
    assert [] == bench_refresh.missed(found)


@pytest.mark.parametrize("what", bench_who_exists.ASKED)
def test_nobody_learns_from_the_time_who_has_an_account(what: str) -> None:
    """Medians of five hundred pairs, in turn and in one process, at most 5 % apart."""
    found = bench_who_exists.measure(what)

    _show(bench_who_exists.shown(found))
    assert [] == bench_who_exists.missed(found)


def test_no_seed_of_ten_thousand_breaks_a_promise() -> None:
    """Random lives in which everything goes wrong now and then."""
    found = bench_simulation.measure(bench_simulation.SEEDS)

    _show(bench_simulation.shown(found))
    assert [] == bench_simulation.missed(found)


def test_a_cached_page_makes_no_call_or_one() -> None:
    """None from the process's copy, one from the table; one more for who has signed in."""
    found = bench_page.measure(bench_page.REQUESTS)

    _show(bench_page.shown(found))
    assert [] == bench_page.missed(found)


def test_crowds_make_one_job_a_report(tmp_path: Path) -> None:
    """By the API and by pages at once, on the local stack; every answer is valid."""
    found = bench_crowd.measure(bench_crowd.SIZES, tmp_path)

    _show(bench_crowd.shown(found))
    assert [] == bench_crowd.missed(found)


def _show(table: str) -> None:
    """Print a table and how busy the machine was."""
    print(f"\n{table}\n  (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
