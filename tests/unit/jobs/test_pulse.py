"""Heartbeats, lost attempts and handlers that hang: work that outlasts its lease or its time."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from nightshift.jobs.engine import LEASE_MS, Claimed
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import Job
from nightshift.jobs.model import JobProgress, JobStatus, Message, Plan, Seat
from nightshift.jobs.pulse import BEAT_S, EnginePulse, in_own_thread
from nightshift.jobs.worker import HANDLER_MARGIN_S, Delivery, Worker
from tests.support.work import Chore, Hand, kind_of, listen_elsewhere, put, stack, view_of
from tests.support.world import OWNER, World, carried, inline

SOON_S = 0.05
PATIENCE_S = 10.0
PLAN = Plan(timeout_s=120, max_retries=1)


def test_work_longer_than_its_lease_is_not_taken_over() -> None:
    """Its heart beats: others who get the message leave it alone, and no attempt is lost."""

    def act(_: Job[Chore]) -> None:
        for _minute in range(9):
            world.pass_time(world.clock.now() + timedelta(seconds=10))
            world.queue.send([world.queue.sent[0][1]])
            listen_elsewhere(world)

    hand = Hand(act=act)
    world, kind = stack(hand, timeout_s=110)
    done = put(world, kind)
    world.run_for(minutes=10)
    view = view_of(world, done.job_id)
    assert (JobStatus.COMPLETED, 1, 1) == (view.status, view.attempts, len(hand.jobs))


def test_a_beat_renews_the_lease_and_keeps_the_progress() -> None:
    """Seen by whoever looks, although the handler does nothing just now."""
    world, claimed = _claimed()
    pulse = _pulse(world, claimed)
    world.clock.advance(seconds=BEAT_S)
    pulse.progress(JobProgress(done=1))
    pulse.beat()
    seat = _seat(world, claimed)
    assert seat.lease_ms - claimed.seat.lease_ms == BEAT_S * 1000
    assert (LEASE_MS, JobProgress(done=1)) == (
        seat.lease_ms - round(world.clock.now().timestamp() * 1000),
        seat.progress,
    )


@pytest.mark.parametrize("taken", ["taken over", "cancelled"])
def test_whoever_lost_its_attempt_learns_of_it_and_renews_nothing(taken: str) -> None:
    """At the next beat, and from then on at each progress."""
    world, claimed = _claimed()
    pulse = _pulse(world, claimed)
    if taken == "taken over":
        engine, ref = world.machine.engine, claimed.seat.ref
        world.clock.advance(seconds=LEASE_MS / 1000 + 1)
        assert not isinstance(engine.prepare(Message.first(ref), PLAN), Claimed)
        world.clock.advance(seconds=30)
        again = engine.prepare(Message(ref=ref, attempt=2, not_before_ms=0), PLAN)
        assert isinstance(again, Claimed)
    else:
        world.machine.jobs.owned.cancel(claimed.seat.ref.owner_id, claimed.seat.ref.job_id)
    before = _seat(world, claimed)
    with pytest.raises(JobLostError):
        pulse.beat()
    with pytest.raises(JobLostError):
        pulse.progress(JobProgress(done=1))
    assert before == _seat(world, claimed)


def test_a_seat_that_another_took_is_not_renewed() -> None:
    """The other has not closed anything yet: only the seat tells."""
    world, claimed = _claimed()
    other = Seat(
        ref=claimed.seat.ref,
        attempt=claimed.seat.attempt,
        token=type(claimed.seat.token)("other"),
        lease_ms=claimed.seat.lease_ms,
        started_ms=claimed.seat.started_ms,
    )
    world.machine.store.claim(other, seen=claimed.seat)
    with pytest.raises(JobLostError):
        _pulse(world, claimed).beat()
    assert other == _seat(world, claimed)


def test_a_handler_that_hangs_is_stopped_in_its_own_thread() -> None:
    """Whoever waits is told in time, and the thread ends at its next step."""
    began, stopped = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        try:
            while not stopped.wait(0.001):
                pass
        finally:
            stopped.set()

    async def carry() -> None:
        with pytest.raises(TimeoutError):
            await in_own_thread(hang, SOON_S)

    _within(PATIENCE_S, carry)
    assert began.is_set()
    assert stopped.wait(PATIENCE_S)


def test_work_whose_attempt_is_lost_is_stopped_in_its_own_thread() -> None:
    """The worker does not wait for it."""
    stopped = threading.Event()

    def hang() -> None:
        try:
            while not stopped.wait(0.001):
                pass
        finally:
            stopped.set()

    async def carry() -> None:
        task = asyncio.ensure_future(in_own_thread(hang, PATIENCE_S))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    _within(PATIENCE_S, carry)
    assert stopped.wait(PATIENCE_S)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_attempt_over_its_time_fails_and_says_so(*, is_async: bool) -> None:
    """By the kind's own time, well before the worker would give up waiting for either handler."""
    over = threading.Event()

    def hang(_: Job[Chore]) -> None:
        while not over.wait(0.001):
            pass

    async def hang_async(_: Job[Chore]) -> None:
        await asyncio.Event().wait()

    act: Any = hang_async if is_async else hang
    kind = kind_of(act, timeout_s=SOON_S, max_retries=0)
    world = World(kinds=[kind])
    done = put(world, kind)
    worker = Worker(
        engine=world.machine.engine,
        kinds=world.machine.kinds,
        clock=world.clock,
        offload=inline,
        carrier=in_own_thread,
    )
    deliveries = [Delivery(message_id="m", body=m.body) for m in world.queue.receive()]

    async def run() -> None:
        await worker.run(deliveries, deadline=world.clock.now() + timedelta(seconds=PATIENCE_S))

    _within(HANDLER_MARGIN_S - 1, run)
    over.set()
    view = view_of(world, done.job_id)
    assert (JobStatus.FAILED, "timed_out") == (view.status, view.reason)


def _claimed() -> tuple[World, Claimed]:
    world, kind = stack(Hand())
    put(world, kind)
    message = Message.first(world.machine.orders.page(OWNER, start_after=None, limit=1)[0].ref)
    claimed = world.machine.engine.prepare(message, PLAN)
    assert isinstance(claimed, Claimed)
    return world, claimed


def _pulse(world: World, claimed: Claimed) -> EnginePulse:
    return EnginePulse(world.machine.engine, claimed, PLAN, world.clock, carried)


def _seat(world: World, claimed: Claimed) -> Seat:
    ref = claimed.seat.ref
    seat = world.machine.store.find_seat(ref.kind, ref.subject, ref.job_id)
    assert seat is not None
    return seat


def _within(seconds: float, act: Callable[[], Any]) -> None:
    """Run a coroutine in a loop of its own; fail if it takes longer than a test may."""
    started = time.monotonic()
    asyncio.run(asyncio.wait_for(act(), seconds))
    assert time.monotonic() - started < seconds
