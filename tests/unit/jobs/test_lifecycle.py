"""What happens to a job is told, one line a transition; of runs of tasks, one line a batch."""

import json
from typing import Any

import pytest

from nightshift.jobs.batch import run_batch
from nightshift.jobs.kinds import Failed, FlowLimits, Job, Snooze, Unique, UniqueMode
from nightshift.jobs.model import QueueName
from nightshift.observability import make_log
from nightshift.outbound.fakes import answer
from tests.support.faults import CrashError
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

NO = Failed(error="no")


def _told(world: World, job_id: str) -> list[str]:
    return [action.removeprefix("job.") for action in world.told.of(job_id)]


def _run(world: World, **more: Any) -> str:
    (kind,) = world.kinds
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, **more)
    world.run_for(minutes=8)
    return done.job_id


@pytest.mark.parametrize(
    ("acts", "steps"),
    [
        ([None], ["completed"]),
        ([NO, None], ["retrying", "completed"]),
        ([Failed(error="no", retryable=False)], ["failed"]),
        ([Snooze(delay_s=1), None], ["snoozed", "completed"]),
    ],
    ids=str,
)
def test_each_attempt_is_told_of_as_it_begins_and_ends(acts: list[Any], steps: list[str]) -> None:
    """Enqueued once, then a start and what came of it for each attempt."""
    left = iter(acts)
    world = World(kinds=[kind_of(Hand(act=lambda _: next(left)))])
    job_id = _run(world)
    expected = ["enqueued", *(line for step in steps for line in ("started", step))]
    assert expected == _told(world, job_id)


def test_a_line_names_the_job_and_holds_nothing_of_it() -> None:
    """Ids, the attempt, how long it took and why; not the payload."""
    hand = Hand(act=lambda _: Failed(error="no_such_user", message="hidden", retryable=False))
    world = World(kinds=[kind_of(hand, subject=lambda chore: chore.subject)])
    (kind,) = world.kinds
    done = world.machine.jobs.enqueue(kind, Chore(subject="ada", ballast="hidden"), owner_id=OWNER)
    world.run_for(minutes=1)
    action, fields = world.told.lines[-1]
    assert "job.failed" == action
    assert {
        "job_id": done.job_id,
        "kind": "test.chore",
        "queue": "default",
        "subject": "ada",
        "owner_id": OWNER,
        "attempt": 1,
        "reason": "no_such_user",
        "execution_ms": 0,
        "next_ms": None,
    } == fields
    assert "hidden" not in str(world.told.lines)


def test_what_ends_a_job_from_outside_is_told() -> None:
    """Cancelled and tried again by its owner, replaced by another, dead."""
    unique: Unique[Chore] = Unique(key=lambda chore: chore.name, mode=UniqueMode.REPLACE)
    world = World(kinds=[kind_of(Hand(), unique=unique)])
    (kind,) = world.kinds
    jobs = world.machine.jobs
    first = jobs.enqueue(kind, Chore(), owner_id=OWNER, delay_s=600).job_id
    second = jobs.enqueue(kind, Chore(), owner_id=OWNER, delay_s=600).job_id
    jobs.owned.cancel(OWNER, second)
    jobs.owned.retry(OWNER, second)
    assert ["enqueued", "cancelled"] == _told(world, first)
    assert ["enqueued", "cancelled", "reopened"] == _told(world, second)
    body = next(m.body for m in world.queue.messages if second in m.body)
    world.machine.dead_letters().bury(body)
    assert "failed" == _told(world, second)[-1]


def test_what_waits_for_its_subject_is_told_of() -> None:
    """It is parked while another has the seat, and begins once that has ended."""
    deaths = [CrashError("killed")]

    def act(_: Job[Chore]) -> None:
        if deaths:
            raise deaths.pop()

    world = World(kinds=[kind_of(Hand(act=act), subject=lambda chore: chore.subject)])
    jobs = world.machine.jobs
    jobs.enqueue(world.kinds[0], Chore(), owner_id=OWNER)
    world.invoke(world.listen)
    second = jobs.enqueue(world.kinds[0], Chore(), owner_id=OWNER).job_id
    world.listen()
    assert ["enqueued", "parked"] == _told(world, second)
    world.run_for(minutes=10)
    assert ["started", "completed"] == _told(world, second)[-2:]


def test_what_waits_for_its_turn_is_told_of() -> None:
    """A start that a rate has put off."""
    gate = FlowLimits(key="all", rate=1, period_s=60)
    world = World(kinds=[kind_of(Hand(), flow=lambda _: gate)])
    jobs = world.machine.jobs
    ids = [jobs.enqueue(world.kinds[0], Chore(), owner_id=OWNER).job_id for _ in range(2)]
    world.run_for(minutes=5)
    whole = sorted(_told(world, job_id) for job_id in ids)
    assert [["enqueued", "delayed", "started", "completed"]] == whole[:1]
    assert ["enqueued", "started", "completed"] == whole[1]


def test_a_dead_worker_is_told_of_by_whoever_finds_out() -> None:
    """The attempt is lost, the job is rescued, and it goes on."""
    deaths = [CrashError("killed")]

    def act(_: Job[Chore]) -> None:
        if deaths:
            raise deaths.pop()

    world = World(kinds=[kind_of(Hand(act=act))])
    job_id = _run(world)
    told = _told(world, job_id)
    assert ["enqueued", "started"] == told[:2]
    assert {"rescued", "lost", "retrying", "started", "completed"} == set(told[2:])
    assert "completed" == told[-1]


def test_a_pause_is_told_of() -> None:
    """What is held, and when it is sent again."""
    world = World(kinds=[kind_of(Hand())])
    world.machine.queues.pause(QueueName.DEFAULT, by=OWNER)
    job_id = _run(world)
    world.machine.queues.resume(QueueName.DEFAULT, by=OWNER)
    world.run_for(minutes=2)
    assert ["enqueued", "held", "released", "started", "completed"] == _told(world, job_id)


def test_many_are_told_of_in_few_lines() -> None:
    """Fifty to a line as they are enqueued together."""
    world = World(kinds=[kind_of(Hand())])
    came = world.machine.jobs.enqueue_many(
        world.kinds[0], [Chore(name=str(n)) for n in range(120)], owner_id=OWNER
    )
    assert [50, 50, 20] == [len(fields["items"]) for _, fields in world.told.lines]
    assert {"enqueued"} == {step for c in came for step in _told(world, c.job_id)}  # type: ignore[union-attr]


def test_runs_of_tasks_have_no_lines_of_their_own_but_for_what_people_do() -> None:
    """Workers tell of them by batch; started by hand, cancelled and retried they are named."""
    world = World()
    world.receiver = lambda _: answer(500)
    world.create(schedule="*/5 * * * *", max_retry=2)
    world.run_for(minutes=30)
    assert world.calls
    assert [] == [action for action, _ in world.told.lines if "rescued" not in action]
    view = world.create(schedule=None)
    ref = world.context.tasks.run_now(OWNER, view.task.id)
    world.context.tasks.runs.cancel(view.task.id, ref.job_id)
    world.context.tasks.retry_run(OWNER, view.task.id, ref.job_id)
    assert ["enqueued", "cancelled", "reopened"] == _told(world, ref.job_id)


def test_metrics_are_by_kind_and_queue(capsys: pytest.CaptureFixture[str]) -> None:
    """Two kinds in one batch are two sets; there are few names, for each is paid for."""
    kinds = [kind_of(Hand()), kind_of(Hand(act=lambda _: NO), name="test.bad", max_retries=0)]
    world = World(kinds=kinds)
    for kind in (*kinds, kinds[0]):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    records = [{"messageId": str(m.number), "body": m.body} for m in world.queue.messages]

    class Lambda:
        def get_remaining_time_in_millis(self) -> int:
            return 120_000

    run_batch({"Records": records}, Lambda(), machine=world.machine, log=make_log(service="m"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {
        (m["Kind"], m["Queue"]): (m["JobsCompleted"], m["JobsFailed"], len(m["JobMs"]))
        for m in lines
        if "_aws" in m
    }
    assert {
        ("test.chore", "default"): ([2.0], [0.0], 2),
        ("test.bad", "default"): ([0.0], [1.0], 1),
    } == found
    names = [m["_aws"]["CloudWatchMetrics"][0] for m in lines if "_aws" in m]
    assert all({"Kind", "Queue"} <= set(n["Dimensions"][0]) for n in names)
