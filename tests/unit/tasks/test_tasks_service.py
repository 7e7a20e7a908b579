from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nightshift.core.access import UserId
from nightshift.jobs.errors import JobNotFoundError
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import Outcome
from nightshift.tasks.errors import TaskChangedError, TaskNotFoundError, TaskVersionError
from nightshift.tasks.jobs import result_of
from nightshift.tasks.model import RUN_KIND, Definition
from tests.support.prying import Pry, calls
from tests.support.world import OWNER, START, URL, World

NO_RETRY = RetryPolicy(backoff=Backoff.CONSTANT, delay_s=1, jitter=False)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def test_nobody_sees_another_owners_tasks() -> None:
    """Another's task is not found, whatever is done to it."""
    world = World()
    view = world.create(schedule=None)
    other = UserId("01980000-0000-7000-8000-0000000000ff")
    tasks = world.context.tasks
    for act in (tasks.get, tasks.run_now, tasks.delete, tasks.resume):
        with pytest.raises(TaskNotFoundError):
            act(other, view.task.id)
    with pytest.raises(JobNotFoundError):
        world.context.jobs.get(RUN_KIND, view.task.id, "01980000-0000-7000-8000-00000000000a")


def test_put_by_key_creates_then_replaces() -> None:
    """The caller's own key names the task from the first PUT on."""
    world = World()
    said = Definition(name="one", url=URL)
    first, created = world.context.tasks.put(OWNER, "nightly", said, expected=None)
    second, again = world.context.tasks.put(
        OWNER, "nightly", Definition(name="two", url=URL), expected=first.task.version
    )
    assert (True, False) == (created, again)
    assert first.task.id == second.task.id
    assert second.task.definition.name == "two"
    with pytest.raises(TaskVersionError):
        world.context.tasks.put(OWNER, "nightly", said, expected=1)
    world.context.tasks.delete(OWNER, "nightly")
    with pytest.raises(TaskNotFoundError):
        world.context.tasks.get(OWNER, "nightly")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(500, True), (503, True), (429, True), (408, True), (301, False), (404, False), (410, False)],
)
def test_answers_are_classified(status: int, retryable: bool) -> None:
    """Server trouble is tried again, a clear no is not."""
    result = result_of(answer(status, body=b"why"))
    assert (False, retryable, f"http_{status}", "why") == (
        result.succeeded,
        result.retryable,
        result.error,
        result.message,
    )


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.ANSWERED])
def test_calls_that_got_no_answer_are_classified(outcome: Outcome) -> None:
    """Only an address that may not be called is final."""
    result = result_of(answer(outcome=outcome))
    assert (False, outcome is not Outcome.REFUSED, outcome.value) == (
        result.succeeded,
        result.retryable,
        result.error,
    )


def test_listing_pages_through_tasks_runs_and_logs() -> None:
    """Pages join without gap or double."""
    world = World()
    answers = iter([500, 200] * 10)
    world.receiver = lambda _: answer(next(answers))
    view = world.create(schedule="*/5 * * * *", retry=NO_RETRY)
    for _ in range(4):
        world.create(schedule=None)
    world.run_until(_at("12:31:00"))
    seen: list[tuple[str, int]] = []
    after: tuple[str, int] | None = None
    while True:
        entries, after = world.context.jobs.log_page(
            RUN_KIND, view.task.id, start_after=after, limit=3
        )
        seen += [(v.ref.job_id, a.number) for v, a in entries]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 12
    assert sorted(seen, reverse=True) == seen
    tasks: list[str] = []
    position: str | None = None
    while True:
        views, position = world.context.tasks.page(OWNER, start_after=position, limit=2)
        tasks += [v.task.id for v in views]
        if position is None:
            break
    assert len(tasks) == len(set(tasks)) == 5


def test_a_rate_task_counts_from_its_creation() -> None:
    """Every 10 minutes from the whole second at which the task was made."""
    world = World()
    world.create(schedule="rate(10 minutes)")
    world.run_until(START + timedelta(minutes=31))
    assert [START + timedelta(minutes=10 * n) for n in (1, 2, 3)] == [
        c.at.replace(microsecond=0) for c in world.calls
    ]


def test_a_slot_of_the_schedule_before_is_void_although_its_message_is_in_the_queue() -> None:
    """It was sent ahead of its second, and the schedule was changed meanwhile."""
    world = World()
    task_id = world.create(schedule="*/10 * * * *").task.id
    world.run_until(_at("12:09:30"))
    assert 1 == len(world.queue.messages)
    world.context.tasks.amend(
        OWNER, task_id, lambda said: replace(said, schedule="15 * * * *"), expected=None
    )
    world.run_until(_at("12:16:00"))
    assert ["2026-03-02T12:15:00Z"] == world.slots_called()


def test_a_change_that_meets_another_changes_nothing() -> None:
    """It read the task before the other wrote it."""
    world = World()
    task_id = world.create(schedule="0 6 * * *").task.id
    other = world.new_context().tasks

    def change(name: str) -> Callable[[Definition], Definition]:
        return lambda said: replace(said, name=name)

    world.dynamo.faults = Pry(
        calls("TransactWriteItems"),
        lambda: other.amend(OWNER, task_id, change("theirs"), expected=None),
    )
    with pytest.raises(TaskChangedError):
        world.context.tasks.amend(OWNER, task_id, change("ours"), expected=None)
    assert "theirs" == world.context.tasks.get(OWNER, task_id).task.definition.name
