import json
from datetime import datetime, timedelta

import pytest

from nightshift.jobs.errors import JobNotEndedError, JobNotOpenError
from nightshift.jobs.model import JobStatus, Overlap
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.errors import TaskBusyError
from nightshift.tasks.model import RUN_KIND, Definition, TaskStatus
from nightshift.tasks.settings import TaskSettings
from tests.support.slow import slow_calls
from tests.support.world import OWNER, URL, World

NO_RETRY = RetryPolicy(backoff=Backoff.CONSTANT, delay_s=1, jitter=False)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _slow(world: World, seconds: float, status: int = 200) -> None:
    def receiver(_: OutboundRequest) -> OutboundAnswer:
        return answer(status)

    world.call_takes_s = seconds
    world.receiver = receiver


def test_the_call_carries_exactly_the_payload_and_the_promised_headers() -> None:
    """Body, ids, attempt, slot and a signature that the owner's secret verifies."""
    world = World()
    view = world.create(
        schedule="at(2026-03-02T12:10:05Z)", payload='{"a":1}', headers={"X-Mine": "yes"}
    )
    world.run_until(_at("12:11:00"))
    call = world.calls[0]
    assert call.body == b'{"a":1}'
    assert call.url == URL
    names = {
        "content-type": "application/json",
        "x-mine": "yes",
        "x-nightshift-task-id": view.task.id,
        "x-nightshift-attempt": "1",
        "x-nightshift-scheduled-for": "2026-03-02T12:10:05Z",
    }
    assert names == {k: call.headers[k] for k in names}
    assert call.is_signed_by(world.context.secrets.current(OWNER))


def test_after_a_rotation_old_and_new_secret_verify_for_a_day() -> None:
    """Receivers have a day to change over, then only the new secret signs."""
    world = World()
    old = world.context.secrets.current(OWNER)
    world.create(schedule="0 * * * *")
    new = world.context.secrets.rotate(OWNER)
    assert old != new
    world.run_until(_at("13:00:30"))
    assert (True, True) == tuple(world.calls[0].is_signed_by(s) for s in (old, new))
    world.run_until(_at("15:00:30") + timedelta(days=1))
    assert (False, True) == tuple(world.calls[-1].is_signed_by(s) for s in (old, new))


def test_overlap_skip_lets_a_slot_go_while_a_run_is_open() -> None:
    """A run of 100 s swallows the slot in it; the record says why."""
    world = World()
    view = world.create(schedule="* * * * *", timeout_s=120, overlap=Overlap.SKIP)
    world.run_until(_at("12:09:30"))
    done = len(world.runs(view.task.id))
    slow_calls(world, 100)
    world.run_until(_at("12:14:30"))
    statuses = [s for s, _ in world.runs(view.task.id)][done:]
    assert "cancelled" in statuses
    assert statuses.count("completed") + statuses.count("cancelled") == 5


def test_overlap_queue_runs_the_waiting_slot_right_after() -> None:
    """The slot in a long run is called when that run ends, and none is lost."""
    world = World()
    view = world.create(schedule="* * * * *", timeout_s=120, overlap=Overlap.QUEUE)
    world.run_until(_at("12:09:30"))
    slow_calls(world, 100)
    world.run_until(_at("12:15:30"))
    assert {("completed", 1)} == set(world.runs(view.task.id))
    expected = [f"2026-03-02T12:{m:02}:00Z" for m in range(1, 16)]
    assert expected == world.slots_called()


def test_overlap_allow_calls_side_by_side() -> None:
    """The slot in a long run is called at its own time."""
    world = World()
    view = world.create(schedule="* * * * *", timeout_s=120, overlap=Overlap.ALLOW)
    world.run_until(_at("12:09:30"))
    slow_calls(world, 100)
    world.run_until(_at("12:15:30"))
    assert {("completed", 1)} == set(world.runs(view.task.id))
    starts = {c.headers["x-nightshift-scheduled-for"]: c.at for c in world.calls}
    assert _at("12:11:00") == starts["2026-03-02T12:11:00Z"]


def test_pausing_voids_what_is_on_its_way_and_resuming_starts_from_now() -> None:
    """No call while paused, though messages were queued; after resuming the next slot is called."""
    world = World()
    view = world.create(schedule="* * * * *")
    world.run_until(_at("12:05:30"))
    world.context.tasks.pause(OWNER, view.task.id, reason="requested")
    world.run_until(_at("12:20:30"))
    assert len(world.calls) == 5
    assert TaskStatus.PAUSED is world.context.tasks.get(OWNER, view.task.id).status
    world.context.tasks.resume(OWNER, view.task.id)
    world.run_until(_at("12:22:30"))
    assert ["2026-03-02T12:21:00Z", "2026-03-02T12:22:00Z"] == world.slots_called()[5:]


def test_changing_the_schedule_changes_the_slots_from_now_on() -> None:
    """The old slots are void at once, the new ones are in force at once."""
    world = World()
    view = world.create(schedule="* * * * *")
    world.run_until(_at("12:05:30"))
    world.context.tasks.amend(
        OWNER,
        view.task.id,
        lambda d: _with_schedule(d, "at(2026-03-02T12:06:10Z)"),
        expected=None,
    )
    world.run_until(_at("12:20:30"))
    assert world.slots_called()[5:] == ["2026-03-02T12:06:10Z"]


def _with_schedule(said: Definition, schedule: str | None) -> Definition:
    from dataclasses import replace  # noqa: PLC0415 - one helper needs it

    return replace(said, schedule=schedule)


def test_changing_other_fields_leaves_the_slots_alone() -> None:
    """A new URL is used by the messages that are already on their way."""
    from dataclasses import replace  # noqa: PLC0415 - one test needs it

    world = World()
    view = world.create(schedule="at(2026-03-02T12:02:05Z)")
    other = "https://hooks.example.com/other"
    world.context.tasks.amend(
        OWNER, view.task.id, lambda d: replace(d, url=other), expected=view.task.version
    )
    world.run_until(_at("12:10:30"))
    assert [other] == [c.url for c in world.calls]


def test_a_task_that_fails_n_slots_in_a_row_pauses_itself() -> None:
    """After the third failed slot there is no fourth, and the task says why."""
    world = World(settings=TaskSettings(pause_after_failures=3))
    world.receiver = lambda _: answer(404)
    view = world.create(schedule="*/5 * * * *", max_retry=0)
    world.run_until(_at("13:00:30"))
    assert len(world.calls) == 3
    task = world.context.tasks.get(OWNER, view.task.id).task
    assert (True, "failed_3_in_a_row") == (task.paused, task.pause_reason)
    world.context.tasks.resume(OWNER, view.task.id)
    world.run_until(_at("13:06:00"))
    assert world.context.tasks.get(OWNER, view.task.id).task.paused is False


def test_a_success_between_failures_keeps_the_task_going() -> None:
    """Only failures in a row count."""
    world = World(settings=TaskSettings(pause_after_failures=2))
    answers = iter([404, 200] * 6)
    world.receiver = lambda _: answer(next(answers))
    world.create(schedule="*/5 * * * *", max_retry=0)
    world.run_until(_at("12:50:30"))
    assert len(world.calls) == 10


def test_the_on_failure_url_is_told_once() -> None:
    """A failed run is followed by one signed notice that names it."""
    world = World()
    world.receiver = lambda r: answer(410 if r.url == URL else 200)
    hook = "https://hooks.example.com/failed"
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", on_failure_url=hook)
    world.run_until(_at("12:40:30"))
    notices = [c for c in world.calls if c.url == hook]
    assert len(notices) == 1
    data = json.loads(notices[0].body)["data"]
    runs, _ = world.context.jobs.page(RUN_KIND, view.task.id, start_after=None, limit=5)
    assert (view.task.id, runs[0].ref.job_id) == (data["task_id"], data["run_id"])
    assert ("http_410", 1, 410) == (data["reason"], data["attempts"], data["response_status"])
    assert notices[0].is_signed_by(world.context.secrets.current(OWNER))


def test_410_stops_the_retries() -> None:
    """Gone is gone: one attempt, failed."""
    world = World()
    world.receiver = lambda _: answer(410)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", max_retry=5)
    world.run_until(_at("12:40:30"))
    assert [("failed", 1)] == world.runs(view.task.id)


def test_retry_after_is_honoured() -> None:
    """A receiver that asks for two minutes gets them."""
    world = World()
    answers = iter([answer(429, retry_after_s=120), answer(200)])
    world.receiver = lambda _: next(answers)
    world.create(schedule="at(2026-03-02T12:10:05Z)", retry=NO_RETRY)
    world.run_until(_at("12:40:30"))
    first, second = (c.at for c in world.calls)
    assert timedelta(seconds=120) <= second - first <= timedelta(seconds=122)


def test_run_now_runs_beside_the_schedule_even_when_paused() -> None:
    """The run is visible at once and called at once."""
    world = World()
    view = world.create(schedule=None)
    world.context.tasks.pause(OWNER, view.task.id, reason="requested")
    ref = world.context.tasks.run_now(OWNER, view.task.id)
    assert JobStatus.PENDING is world.context.jobs.get(RUN_KIND, view.task.id, ref.job_id).status
    world.run_for(seconds=2)
    assert JobStatus.COMPLETED is world.context.jobs.get(RUN_KIND, view.task.id, ref.job_id).status
    assert [ref.job_id] == [c.run_id for c in world.calls]


def test_run_now_while_a_run_is_open_is_refused_under_skip() -> None:
    """The caller is told at once instead of finding a skipped run later."""
    world = World()
    view = world.create(schedule=None)
    world.context.tasks.run_now(OWNER, view.task.id)
    with pytest.raises(TaskBusyError):
        world.context.tasks.run_now(OWNER, view.task.id)


def test_a_repeated_run_now_with_the_same_id_is_one_run() -> None:
    """A request that is run again after a crash starts nothing twice."""
    world = World()
    view = world.create(schedule=None)
    run_id = "01980000-0000-7000-8000-00000000000a"
    for _ in range(2):
        world.context.tasks.run_now(OWNER, view.task.id, run_id=run_id)
    world.run_for(minutes=5)
    assert len(world.calls) == 1


def test_cancelling_a_waiting_retry_ends_the_run() -> None:
    """No further attempt is made, and the log keeps what was."""
    world = World()
    world.receiver = lambda _: answer(500)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:10:06"))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    world.context.jobs.cancel(RUN_KIND, view.task.id, run.ref.job_id)
    world.run_until(_at("12:50:06"))
    assert len(world.calls) == 1
    assert [("cancelled", 1)] == world.runs(view.task.id)
    with pytest.raises(JobNotOpenError):
        world.context.jobs.cancel(RUN_KIND, view.task.id, run.ref.job_id)


def test_cancelling_during_the_call_voids_its_answer() -> None:
    """A terminal state stays: the answer that comes later does not complete the run."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")

    def receiver(request: OutboundRequest) -> OutboundAnswer:
        run_id = request.headers["webhook-id"]
        world.context.jobs.cancel(RUN_KIND, view.task.id, run_id)
        return answer(200)

    world.receiver = receiver
    world.run_until(_at("12:40:05"))
    assert [("cancelled", 1)] == world.runs(view.task.id)


def test_a_failed_run_can_be_retried_with_a_new_series() -> None:
    """The retry makes attempts of its own and the log keeps all of them."""
    world = World()
    statuses = iter([500, 500, 500, 200])
    world.receiver = lambda _: answer(next(statuses))
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", max_retry=1, retry=NO_RETRY)
    world.run_until(_at("12:11:05"))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    assert JobStatus.FAILED is run.status
    world.context.jobs.retry(RUN_KIND, view.task.id, run.ref.job_id)
    with pytest.raises(JobNotEndedError):
        world.context.jobs.retry(RUN_KIND, view.task.id, run.ref.job_id)
    world.run_until(_at("12:13:05"))
    assert [("completed", 4)] == world.runs(view.task.id)
    log = world.context.jobs.attempts(RUN_KIND, view.task.id, run.ref.job_id)
    assert [500, 500, 500, 200] == [a.response_status for a in log]


def test_a_dead_letter_is_kept_closes_its_run_and_can_be_redriven() -> None:
    """What no worker could finish is visible, failed, and runs again on request."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:02:05Z)")
    (message,) = world.queue.messages
    letter = world.context.dead_letters.bury(message.body)
    assert letter is not None
    assert [("failed", 0)] == world.runs(view.task.id)
    letters, after = world.context.dead_letters.page(OWNER, start_after=None, limit=10)
    assert ([letter], None) == (letters, after)
    assert world.context.dead_letters.bury(message.body) == letter
    world.context.dead_letters.redrive(OWNER, letter.id)
    assert world.context.dead_letters.page(OWNER, start_after=None, limit=10) == ([], None)
    world.run_until(_at("12:10:05"))
    assert [("completed", 1)] == world.runs(view.task.id)


def test_an_unreadable_message_is_kept_too() -> None:
    """It belongs to nobody, but it is not dropped."""
    world = World()
    letter = world.context.dead_letters.bury("{]")
    assert letter is not None
    assert letter.ref is None
