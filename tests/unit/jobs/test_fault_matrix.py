"""What befalls a task's run around its calls: sends and workers that die, twins, late workers."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from nightshift.outbound.fakes import answer
from tests.support.faults import CrashError
from tests.support.world import OWNER, START, World

SETTLED_AFTER = timedelta(minutes=40)


def _world() -> tuple[World, str]:
    """Return a world with one task that fails once and then succeeds."""
    world = World()
    answers = iter([500, *[200] * 9])
    world.receiver = lambda _: answer(next(answers))
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", max_retry=5)
    world.run_until(START + timedelta(minutes=5))
    return world, view.task.id


def _live(world: World) -> None:
    world.run_until(START + timedelta(minutes=10) + SETTLED_AFTER)


def _raise_once(kind: type[BaseException]) -> Callable[[], None]:
    left = [kind("the queue's answer never came")]

    def act() -> None:
        if left:
            raise left.pop()

    return act


@pytest.mark.parametrize("when", ["before_send", "after_send"])
@pytest.mark.parametrize("kind", [CrashError, ConnectionError])
def test_a_send_that_dies_is_made_up_for(when: str, kind: type[BaseException]) -> None:
    """Killed before or after any send, the run is called once and ends completed."""
    for skip in range(3):
        world, task_id = _world()
        act = _raise_once(kind)
        sends = iter([*[lambda: None] * skip, act])
        setattr(world.queue, when, lambda s=sends: next(s, lambda: None)())
        _live_through(world, kind)
        assert [("completed", 2)] == world.runs(task_id)
        assert len(world.calls) == 2


def _live_through(world: World, kind: type[BaseException]) -> None:
    if kind is not CrashError:
        original = world.invoke

        def invoke(function: Callable[[], object]) -> None:
            try:
                original(function)
            except kind:
                world.deaths.append(kind())

        world.invoke = invoke  # type: ignore[method-assign]
    _live(world)


def test_a_listener_killed_in_the_call_is_retried_and_the_log_says_so() -> None:
    """The receiver was called, nobody knows how it ended: attempt one is lost, attempt two runs."""
    world = World()
    deaths = [CrashError("killed in the call")]

    def receiver(_: object) -> object:
        if deaths:
            raise deaths.pop()
        return answer(200)

    world.receiver = receiver  # type: ignore[assignment]
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(START + timedelta(minutes=16))
    assert [("completed", 2)] == world.runs(view.task.id)
    job = world.context.jobs.latest("task.run", [view.task.id])[view.task.id]
    log = world.context.jobs.attempts("task.run", view.task.id, job.ref.job_id)
    assert [("failed", "worker_lost"), ("finish", None)] == [(a.status.value, a.error) for a in log]
    _live(world)
    assert len(world.calls) == 2


def test_the_same_message_twice_is_one_call() -> None:
    """A message delivered twice at once is called once, and once more changes nothing later."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(START + timedelta(minutes=9))
    bodies = [m.body for m in world.queue.messages]
    for message in list(world.queue.messages):
        world.queue.messages.append(type(message)(message.visible_at, 10_000, message.body))
    world.run_until(START + timedelta(minutes=30))
    assert len(bodies) == 1
    assert len(world.calls) == 1
    assert [("completed", 1)] == world.runs(view.task.id)


def test_a_late_worker_cannot_overwrite_the_rescue() -> None:
    """A worker that wakes up after its lease finds its attempt closed by another: fenced out."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", timeout_s=10)
    world.run_until(START + timedelta(minutes=9))
    slow_calls: list[int] = []

    def receiver(_: object) -> object:
        slow_calls.append(1)
        if len(slow_calls) == 1:
            world.clock.advance(seconds=300)
            for _ in range(4):
                world.tick()
                world.sweep()
                world.clock.advance(seconds=61)
                _other_listener(world)
        return answer(200)

    world.receiver = receiver  # type: ignore[assignment]
    world.run_until(START + timedelta(minutes=40))
    assert [("completed", 2)] == world.runs(view.task.id)
    assert "superseded" in [r.done.what for r in world.reports]


def _other_listener(world: World) -> None:
    import threading  # noqa: PLC0415 - one helper needs it

    thread = threading.Thread(target=world.listen)
    thread.start()
    thread.join()


def test_owner_is_the_test_owner() -> None:
    """The task of the matrix belongs to the one owner, so that its log can be read."""
    world, task_id = _world()
    assert task_id == world.context.tasks.get(OWNER, task_id).task.id
