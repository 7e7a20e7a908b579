"""Starts at a gate with a rate when others come between the look and the write."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.clock import ManualClock, to_ms
from nightshift.jobs.gates import Gate, Gates, In, Later
from nightshift.jobs.model import JobId, JobRef, Message
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import Request
from tests.support.prying import Pry
from tests.support.world import START

START_MS = to_ms(START)
SPACING_MS = 10_000
GATE = Gate(key="g", rate=1, period_s=SPACING_MS / 1000)
QUICK = Gate(key="g", rate=10, period_s=1)


class _Hall:
    """A gate, and messages that come to it."""

    def __init__(self, gate: Gate) -> None:
        self.clock = ManualClock(START)
        self._dynamo = FakeDynamoDB(["jobs"], clock=self.clock)
        table = Table(self._dynamo, "jobs")  # type: ignore[arg-type]  # a fake
        self._gates = Gates(table, self.clock, retention_s=86_400)
        self._gate = gate

    def enter(self, name: str, *, pass_ms: int = 0) -> int:
        """Let a message come; return when it may start, in milliseconds after the beginning."""
        came = self._gates.enter(_message(name, pass_ms), self._gate, until_ms=START_MS)
        assert isinstance(came, In | Later)
        at_ms = came.start_ms if isinstance(came, In) else came.at_ms
        return max(at_ms, START_MS) - START_MS

    def is_in(self, name: str, *, pass_ms: int = 0) -> bool:
        """Let a message come; tell whether it is in."""
        came = self._gates.enter(_message(name, pass_ms), self._gate, until_ms=START_MS)
        return isinstance(came, In)

    def between(self, act: Callable[[], object]) -> None:
        """Let `act` happen between the next look and its write."""
        self._dynamo.faults = Pry(_moves, act)


def _moves(operation: str, _: Request) -> bool:
    return operation == "UpdateItem"


def _message(name: str, pass_ms: int) -> Message:
    ref = JobRef(kind="k", subject=name, job_id=JobId(name), owner_id="o", due_ms=START_MS)
    return replace(Message.first(ref), not_before_ms=max(START_MS, pass_ms), pass_ms=pass_ms)


def test_two_that_find_a_gate_idle_begin_a_spacing_apart() -> None:
    """Whoever is second at the write begins second."""
    hall, came = _Hall(GATE), []
    hall.between(lambda: came.append(hall.enter("b")))
    came.append(hall.enter("a"))
    assert [0, SPACING_MS] == came


def test_two_that_find_a_gate_close_begin_a_spacing_apart() -> None:
    """The same where others have begun just now."""
    hall, came = _Hall(QUICK), []
    hall.enter("first")
    hall.between(lambda: came.append(hall.enter("b")))
    came.append(hall.enter("a"))
    assert [100, 200] == came


def test_two_that_reserve_at_the_same_moment_get_two_starts() -> None:
    """Where many have reserved, and where one has begun late and nothing is reserved."""
    busy, late = _Hall(GATE), _Hall(GATE)
    busy.enter("first")
    late.enter("first")
    late.clock.advance(seconds=15)
    late.enter("late", pass_ms=START_MS + SPACING_MS)
    for hall, first in ((busy, SPACING_MS), (late, 25_000)):
        came: list[int] = []
        hall.between(lambda h=hall, c=came: c.append(h.enter("b")))  # type: ignore[misc]
        came.append(hall.enter("a"))
        assert [first, first + SPACING_MS] == came


def test_of_two_late_passes_one_begins() -> None:
    """They come at the same moment; the other begins later."""
    hall, came = _Hall(GATE), []
    for name in "abc":
        hall.enter(name)
    hall.clock.advance(seconds=60)
    hall.between(lambda: came.append(hall.is_in("b", pass_ms=START_MS + SPACING_MS)))
    came.append(hall.is_in("c", pass_ms=START_MS + 2 * SPACING_MS))
    assert [True, False] == came


def test_who_comes_new_does_not_take_what_is_reserved() -> None:
    """The reserved start is a moment away, and nobody has begun just now."""
    hall = _Hall(GATE)
    for name in "ab":
        hall.enter(name)
    hall.clock.advance(seconds=9)
    assert 2 * SPACING_MS == hall.enter("c")
    hall.clock.advance(seconds=1)
    assert hall.is_in("b", pass_ms=START_MS + SPACING_MS)


def test_a_pass_that_comes_meanwhile_is_not_overtaken() -> None:
    """Who comes new has seen nobody begin; at the write somebody has."""
    hall, came = _Hall(QUICK), []
    hall.enter("first")
    hall.clock.advance(seconds=0.05)
    hall.between(lambda: came.append(hall.enter("late", pass_ms=START_MS + 20)))
    came.append(hall.enter("new"))
    assert came[1] - came[0] >= 100


@pytest.mark.parametrize("late_s", [0, 1.9, 2.1, 30, 3_600])
def test_whoever_has_a_pass_and_nobody_before_it_begins(late_s: float) -> None:
    """However late its message comes."""
    hall = _Hall(GATE)
    hall.enter("a")
    pass_ms = START_MS + hall.enter("b")
    hall.clock.advance(seconds=SPACING_MS / 1000 + late_s)
    assert hall.is_in("b", pass_ms=pass_ms)


def test_a_crowd_that_was_held_up_begins_one_by_one() -> None:
    """All passes of ten minutes come at once: one begins, the others get starts of their own."""
    hall = _Hall(GATE)
    passes: dict[str, Any] = {str(n): START_MS + hall.enter(str(n)) for n in range(60)}
    hall.clock.advance(seconds=timedelta(minutes=10).total_seconds())
    starts = sorted(hall.enter(name, pass_ms=at_ms) for name, at_ms in passes.items())
    assert {SPACING_MS} == {b - a for a, b in pairwise(starts)}
