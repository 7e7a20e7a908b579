"""Owners are told by mail what they would want to know, and not more."""

from datetime import timedelta

from nightshift.core.errors import TooManyRequestsError
from nightshift.email.schemas import TaskFailedData, TaskPausedData
from nightshift.outbound.fakes import answer
from nightshift.tasks.settings import TaskSettings
from tests.support.world import OWNER, START, World


def _failing(*, pause_after: int = 100, **task: object) -> tuple[World, str]:
    world = World(settings=TaskSettings(pause_after_failures=pause_after))
    world.receiver = lambda _: answer(503)
    view = world.create(name="nightly-sync", max_retry=0, **task)
    return world, view.task.id


def _letters(world: World) -> list[str]:
    return [mail.template for mail in world.mailer.sent]


def test_the_first_failure_of_a_row_is_told() -> None:
    """To the owner, with what the last answer was; the failures after it are not."""
    world, task_id = _failing(schedule="* * * * *")
    world.run_for(minutes=5)
    (mail,) = world.mailer.sent
    assert ("", OWNER, "task_failed") == (mail.to, mail.user_id, mail.template)
    data = mail.data
    assert isinstance(data, TaskFailedData)
    assert ("nightly-sync", task_id, 1, 503) == (
        data.task_name,
        data.task_id,
        data.attempts,
        data.response_status,
    )
    assert data.link is None


def test_a_task_that_comes_and_goes_is_told_once_an_hour() -> None:
    """Each failure is the first of its row; thirty letters an hour would be none that is read."""
    world, _ = _failing(schedule="* * * * *")
    answers = iter([503, 200] * 100)
    world.receiver = lambda _: answer(next(answers))
    world.run_until(START.replace(minute=59, second=30))
    assert ["task_failed"] == _letters(world)
    world.run_for(minutes=60)
    assert ["task_failed"] * 2 == _letters(world)


def test_a_task_that_pauses_itself_is_told() -> None:
    """Once, after the last failure."""
    world, _ = _failing(schedule="* * * * *", pause_after=3)
    world.run_for(minutes=10)
    assert ["task_failed", "task_paused"] == _letters(world)
    data = world.mailer.sent[-1].data
    assert isinstance(data, TaskPausedData)
    assert 3 == data.failures
    assert timedelta(minutes=2) < data.paused_at - START < timedelta(minutes=4)


def test_what_is_settled_twice_is_told_once() -> None:
    """The end of a run may be acted on again after a crash."""
    world, task_id = _failing(schedule="* * * * *", pause_after=2)
    for _ in range(2):
        world.run_for(minutes=2)
        ref = world.context.jobs.latest("task.run", [task_id])[task_id].ref
        record = world.machine.store.find_record(ref.kind, ref.subject, ref.job_id)
        assert record is not None
        for _ in range(3):
            world.machine.kinds["task.run"].settle(record)
    assert ["task_failed", "task_paused"] == _letters(world)


def test_a_task_that_runs_once_is_told_of() -> None:
    """Neither a schedule nor a row of failures is needed."""
    world, _ = _failing(schedule="at(2026-03-02T12:05:00Z)")
    world.run_for(minutes=10)
    assert ["task_failed"] == _letters(world)


def test_a_success_is_not_told() -> None:
    """Nor is a failure that a retry made good."""
    world = World()
    answers = iter([503, 200])
    world.receiver = lambda _: answer(next(answers))
    world.create(schedule="at(2026-03-02T12:05:00Z)", max_retry=2)
    world.run_for(minutes=30)
    assert [] == _letters(world)


def test_a_letter_that_cannot_be_asked_for_stops_nothing() -> None:
    """A full queue of mails keeps no run from ending, and no task from pausing."""
    world, task_id = _failing(schedule="* * * * *", pause_after=2)
    world.mailer.fault = TooManyRequestsError()
    world.run_for(minutes=3)
    assert [] == _letters(world)
    task = world.context.tasks.get(OWNER, task_id).task
    assert (True, "failed_2_in_a_row") == (task.paused, task.pause_reason)
