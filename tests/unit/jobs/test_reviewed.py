"""What a review found: each was seen going wrong before it was mended."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nightshift.core.clock import to_ms
from nightshift.jobs.agenda import Member, Progress
from nightshift.jobs.model import JobId, JobRef, Message, Overlap
from nightshift.outbound.fakes import answer
from nightshift.ports.queue import Outgoing
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.errors import TaskBusyError, TaskNotFoundError
from nightshift.tasks.model import RUN_KIND, Misfire
from tests.support.faults import CrashError
from tests.support.work import die
from tests.support.world import OWNER, START, World


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _slow_sends(world: World, seconds: float) -> None:
    """Let every send take its time, so that a tick runs out of its own."""

    def act() -> None:
        world.clock.advance(seconds=seconds)

    world.queue.after_send = act


def test_a_minute_too_big_for_one_tick_is_done_by_several() -> None:
    """The place within the minute is kept: the next tick goes on and nothing is sent twice."""
    world = World()
    for _ in range(400):
        world.create(schedule="*/30 * * * *", overlap=Overlap.ALLOW)
    world.run_until(_at("12:27:30"))
    world.queue.sent.clear()
    _slow_sends(world, 20)
    ticks = 0
    while len(_sent_for(world, "12:30:00")) < 400:
        world.tick()
        world.clock.advance(seconds=60)
        ticks += 1
        assert ticks < 30
    world.queue.after_send = lambda: None
    world.run_for(minutes=10)
    assert ticks > 1
    bodies = _sent_for(world, "12:30:00")
    assert len(bodies) == len(set(bodies)) == 400


def _sent_for(world: World, slot: str) -> list[str]:
    due = f'"d":{to_ms(_at(slot))},'
    return [m.body for _, m in world.queue.sent if due in m.body]


def test_a_group_that_cannot_be_read_does_not_stop_the_others() -> None:
    """The publisher goes on, says so, and looks at the group again after an hour."""
    world = World()
    world.create(schedule="*/5 * * * *")
    agenda = world.context.machine.agenda
    bad = Member(
        subject="x", from_ms=0, data={"o": OWNER, "e": 1, "m": "skip", "s": 0, "w": "skip"}
    )
    for put in agenda.join_parts("c|Mars/Olympus|* * * * *", bad, first_ms=to_ms(_at("12:05:00"))):
        world.context.machine.parts.table.write(put)
    world.run_until(_at("12:31:00"))
    assert [f"2026-03-02T12:{m:02}:00Z" for m in range(5, 31, 5)] == world.slots_called()
    hints = [h for s in range(4) for h in agenda.hints(to_ms(_at("13:05:00")) // 60_000, s)]
    assert [h.spec for h in hints if h.spec and "Mars" in h.spec] != []


def test_a_message_that_cannot_be_read_does_not_stop_the_bucket() -> None:
    """Neither in the agenda nor in the queue."""
    world = World()
    world.create(schedule="at(2026-03-02T12:10:05Z)")
    table = world.context.machine.parts.table
    minute = to_ms(_at("12:10:00")) // 60_000
    for shard in range(4):
        table.put({"pk": f"DUE#{minute}#{shard}", "sk": "M#aaa", "body": "{]"})
    world.queue.send([Outgoing(body="{]", delay_s=0)])
    world.run_until(_at("12:12:00"))
    assert len(world.calls) == 1


def test_a_job_of_an_unknown_kind_spoils_neither_batch_nor_sweep() -> None:
    """A kind that is not there any more is refused, whoever meets it."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    ref = JobRef(
        kind="gone", subject="s", job_id=JobId("j"), owner_id=OWNER, due_ms=to_ms(_at("12:10:05"))
    )
    jobs = world.context.jobs
    for part in jobs.direct_parts([Message.first(ref)]):
        world.context.machine.parts.table.write(part)
    jobs.send_direct([Message.first(ref)])
    world.run_until(_at("12:20:00"))
    assert [("completed", 1)] == world.runs(view.task.id)
    assert world.deaths == []


def test_a_second_tick_within_a_minute_does_not_cost_the_next() -> None:
    """It has nothing to do and gives the lease back."""
    world = World()
    world.clock.set(_at("12:10:00"))
    deadline = _at("12:30:00")
    ticker = world.context.ticker
    ticker.run(deadline=deadline)
    world.clock.set(_at("12:10:20"))
    ticker.run(deadline=deadline)
    world.clock.set(_at("12:11:00"))
    assert not ticker.run(deadline=deadline).skipped


def _before_write(world: World, name: str, act: Callable[[], None]) -> None:
    """Run `act` once, right before the store's next call of `name`."""
    store = world.context.store
    original = getattr(store, name)
    left = [act]

    def wrapped(*args: object) -> object:
        if left:
            left.pop()()
        return original(*args)

    setattr(store, name, wrapped)


def test_a_delete_that_meets_a_change_deletes_what_the_change_made_too() -> None:
    """No member is left behind in the new schedule's group."""
    world = World()
    view = world.create(schedule="*/5 * * * *")
    other = world.new_context()

    def change() -> None:
        other.tasks.amend(
            OWNER, view.task.id, lambda d: replace(d, schedule="*/7 * * * *"), expected=None
        )

    _before_write(world, "remove", change)
    world.context.tasks.delete(OWNER, view.task.id)
    with pytest.raises(TaskNotFoundError):
        world.context.tasks.get(OWNER, view.task.id)
    members = [r for r in world.dynamo.items("jobs") if str(r["pk"]).startswith("GRP#")]
    assert members == []


def test_changing_the_overlap_rule_does_not_split_a_run_between_two_seats() -> None:
    """A second delivery of a run that began under the old rule finds it running."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:10:04"))
    body = world.queue.messages[0].body

    def receiver(_: OutboundRequest) -> OutboundAnswer:
        if len(world.calls) == 1:
            world.context.tasks.amend(
                OWNER, view.task.id, lambda d: replace(d, overlap=Overlap.ALLOW), expected=None
            )
            world.queue.send([Outgoing(body=body, delay_s=0)])
            _elsewhere(world.listen)
        return answer(200)

    world.receiver = receiver
    world.run_until(_at("12:30:00"))
    assert len(world.calls) == 1
    assert [("completed", 1)] == world.runs(view.task.id)


def _elsewhere(act: Callable[[], object]) -> None:
    import threading  # noqa: PLC0415 - one helper needs it

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_a_run_of_a_paused_task_can_be_retried() -> None:
    """A task that paused itself is mended by retrying what failed, not only by resuming."""
    world = World()
    world.receiver = lambda _: answer(404)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:11:00"))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    world.context.tasks.pause(OWNER, view.task.id, reason="requested")
    world.receiver = lambda _: answer(200)
    world.context.tasks.retry_run(OWNER, view.task.id, run.ref.job_id)
    world.run_until(_at("12:12:00"))
    assert [("completed", 2)] == world.runs(view.task.id)


def test_a_retry_that_was_never_sent_is_found_by_the_sweeper() -> None:
    """It was claimed before it stood in the table."""
    world = World()
    world.receiver = lambda _: answer(404)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:30:00"))
    world.receiver = lambda _: answer(200)
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    world.queue.before_send = die
    with pytest.raises(CrashError):
        world.context.tasks.retry_run(OWNER, view.task.id, run.ref.job_id)
    world.queue.before_send = lambda: None
    world.run_until(_at("12:40:00"))
    assert [("completed", 2)] == world.runs(view.task.id)


def test_a_retry_while_another_run_is_open_is_refused_and_loses_nothing() -> None:
    """409 at once, and the failed run stays failed."""
    world = World()
    world.receiver = lambda _: answer(404)
    view = world.create(schedule="*/10 * * * *")
    world.run_until(_at("12:11:00"))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    world.context.tasks.run_now(OWNER, view.task.id)
    with pytest.raises(TaskBusyError):
        world.context.tasks.retry_run(OWNER, view.task.id, run.ref.job_id)
    assert ("failed", 1) in world.runs(view.task.id)


@pytest.mark.parametrize(
    ("policy", "called"), [(Misfire.RUN_ONCE, 16), (Misfire.SKIP, 16), (Misfire.RUN_ALL, 60)]
)
def test_slots_that_lay_in_the_queue_through_an_outage_are_misfires(
    policy: Misfire, called: int
) -> None:
    """After an hour without listeners only what is young enough runs, unless all were asked for."""
    world = World()
    world.create(schedule="* * * * *", misfire=policy, overlap=Overlap.ALLOW)
    while world.clock.now() < START + timedelta(hours=1):
        world.clock.advance(seconds=60)
        world.tick()
    world.run_for(seconds=20)
    assert abs(len(world.calls) - called) <= 1


def test_a_parked_run_that_is_refused_wakes_the_next() -> None:
    """The queue of a task goes on past a run that is void by now."""
    world = World()
    view = world.create(schedule=None, overlap=Overlap.QUEUE, timeout_s=60)
    tasks = world.context.tasks
    first = tasks.run_now(OWNER, view.task.id)
    assert first.overlap is Overlap.QUEUE
    for _ in range(3):
        tasks.run_now(OWNER, view.task.id)
    world.run_for(seconds=30)
    assert [("completed", 1)] * 4 == world.runs(view.task.id)


def test_a_dead_letter_of_an_attempt_long_closed_changes_nothing() -> None:
    """The job went on without it: it waits for its retry."""
    world = World()
    world.receiver = lambda _: answer(503, retry_after_s=600)
    view = world.create(schedule="at(2026-03-02T12:02:05Z)")
    (message,) = world.queue.messages
    world.run_until(_at("12:03:00"))
    assert world.context.dead_letters.bury(message.body) is None
    assert [("pending", 1)] == world.runs(view.task.id)


def test_two_epochs_of_a_task_in_one_batch_are_both_judged_by_the_newest() -> None:
    """A stale read is not taken for fresh because an older message says so."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:02:05Z)")
    task = world.context.tasks.pause(OWNER, view.task.id, reason="requested").task
    refs = [
        JobRef(
            kind=RUN_KIND,
            subject=task.id,
            job_id=JobId(f"j{epoch}"),
            owner_id=OWNER,
            due_ms=to_ms(START),
            epoch=epoch,
        )
        for epoch in (task.epoch, task.epoch - 1)
    ]
    asked: list[bool] = []
    read = world.context.store._read

    def reading(wanted: dict[str, JobRef], *, consistent: bool) -> dict[str, object]:
        found = read(wanted, consistent=True)
        asked.append(consistent)
        return {} if not consistent else found  # type: ignore[return-value]

    world.context.store._read = reading  # type: ignore[method-assign, assignment]
    assert world.context.store.find_many(refs, [task.id] * 2)[task.id].epoch == task.epoch
    assert asked == [False, True]


def test_the_cursor_keeps_minutes_and_places() -> None:
    """What is saved is what the next one gets."""
    world = World()
    agenda = world.context.machine.agenda
    agenda.acquire("TICK", "one", lease_ms=60_000)
    agenda.advance("TICK", "one", Progress(minute=7, parts={"2": "G#x"}), release=True)
    assert Progress(minute=7, parts={"2": "G#x"}) == agenda.acquire("TICK", "two", lease_ms=1)


def test_a_sweep_needs_no_key() -> None:
    """Who only looks after runs can do so without what signs their calls."""

    def no_key(_: str) -> list[str]:
        raise PermissionError("the sweeper may not read the key")

    world = World()
    world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:09:30"))
    signing = world.context.secrets.signing
    world.context.secrets.signing = no_key  # type: ignore[method-assign, assignment]
    while world.clock.now() < _at("12:16:00"):
        world.clock.advance(seconds=60)
        world.tick()
        world.sweep()
    world.context.secrets.signing = signing  # type: ignore[method-assign]
    world.run_for(seconds=30)
    assert len(world.calls) == 1
