"""Two workers at the same moment: what one does between another's look and its claim."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nightshift.aws.dynamo import marshal_item
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Claimed
from nightshift.jobs.errors import JobNotOpenError
from nightshift.jobs.items import seat_item
from nightshift.jobs.keys import own_seat
from nightshift.jobs.kinds import Failed
from nightshift.jobs.model import JobStatus, Look, Message, Overlap, Plan, Result, Seat, Token
from nightshift.jobs.retry import RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND
from tests.support.faults import Fault, FaultMode
from tests.support.prying import Once, Pry, puts
from tests.support.work import Hand, die, listen_elsewhere, put, stack, view_of
from tests.support.world import OWNER, VISIBILITY_S, World


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _after_next_look(world: World, act: Callable[[], object]) -> None:
    """Run `act` once, right after the next look at the table and before what follows from it."""
    store = world.context.machine.store
    look = store.look
    left = [act]

    def looking(*args: object) -> Look:
        seen = look(*args)  # type: ignore[arg-type]  # passed on as they come
        if left:
            left.pop()()
        return seen

    store.look = looking  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("overlap", list(Overlap))
def test_two_workers_with_the_same_message_make_one_call(overlap: Overlap) -> None:
    """Both saw a free seat; the one that claims second finds it taken and does not call."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", overlap=overlap)
    world.run_until(_at("12:10:04"))
    world.clock.set(_at("12:10:05"))
    message = world.queue.messages[0]
    other = world.new_context()

    def second_worker() -> None:
        engine = other.machine.engine
        read = decode(message.body)
        plan = other.machine.plans([read.ref])[read.ref]
        claimed = engine.prepare(read, plan)
        taken.append(type(claimed).__name__)

    taken: list[str] = []
    _after_next_look(world, second_worker)
    world.listen()
    assert (["Claimed"], []) == (taken, world.calls)
    world.run_until(_at("12:40:00"))
    assert [("completed", 2)] == world.runs(view.task.id)
    assert len(world.calls) == 1


def test_a_record_that_appears_between_look_and_write_is_not_overwritten() -> None:
    """A run is cancelled in the moment in which its worker closes it: the cancel stands."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")

    def receiver(request: OutboundRequest) -> OutboundAnswer:
        run_id = request.headers["webhook-id"]
        other.jobs.cancel(RUN_KIND, view.task.id, run_id)
        return answer(200)

    other = world.new_context()
    world.receiver = receiver
    world.run_until(_at("12:11:00"))
    assert [("cancelled", 1)] == world.runs(view.task.id)


def test_two_skips_of_one_slot_are_one() -> None:
    """A cancel that meets another cancel leaves the first."""
    world = World()
    world.receiver = lambda _: answer(500)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:10:06"))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    other = world.new_context()

    def rival() -> None:
        other.jobs.cancel(RUN_KIND, view.task.id, run.ref.job_id)

    _after_next_look(world, rival)
    with pytest.raises(JobNotOpenError):
        world.context.jobs.cancel(RUN_KIND, view.task.id, run.ref.job_id)
    assert [("cancelled", 1)] == world.runs(view.task.id)


def test_of_two_jobs_that_find_their_subjects_seat_free_one_runs() -> None:
    """The seat's last holder has ended; the other took it between the look and the claim."""
    hand = Hand()
    world, kind = stack(hand, subject=lambda p: p.subject)
    put(world, kind)
    world.run_for(minutes=1)
    mine, other = put(world, kind).job_id, put(world, kind).job_id
    orders = {
        str(o.ref.job_id): o.ref
        for o in world.machine.orders.page(OWNER, start_after=None, limit=9)
    }
    taken: list[bool] = []

    def rival() -> None:
        came = world.new_context().machine.engine.prepare(Message.first(orders[other]), Plan())
        taken.append(isinstance(came, Claimed))

    world.dynamo.faults = Pry(puts("S"), rival)
    world.listen(1)
    assert ([True], 1) == (taken, len(hand.jobs))
    world.run_for(minutes=5)
    assert ["completed"] * 2 == [view_of(world, job_id).status for job_id in (mine, other)]


def test_who_comes_while_another_of_its_subject_is_at_work_waits() -> None:
    """It finds a lease that is not over: the other's attempt is left alone."""
    hand = Hand(act=lambda _: listen_elsewhere(world) if len(hand.jobs) == 1 else None)
    world, kind = stack(hand, subject=lambda p: p.subject)
    jobs = [put(world, kind).job_id for _ in range(2)]
    world.listen(1)
    world.run_for(minutes=5)
    views = [view_of(world, job_id) for job_id in jobs]
    assert [(JobStatus.COMPLETED, 1)] * 2 == [(v.status, v.attempts) for v in views]


def test_who_is_always_too_late_leaves_its_message_in_the_queue() -> None:
    """Others move the seat at each try; what is not decided is not acknowledged."""
    hand = Hand()
    world, kind = stack(hand)
    put(world, kind)
    ref = decode(world.queue.messages[0].body).ref
    tokens = iter(range(100))

    def move() -> None:
        seat = Seat(ref=ref, attempt=0, token=Token(f"{next(tokens)}"), lease_ms=0, started_ms=0)
        item = seat_item(seat, sk=own_seat(ref.job_id), expires_at=2**33)
        world.dynamo.seed("jobs", [marshal_item(item)])

    moves = puts("A#")
    world.dynamo.faults = lambda operation, request: (
        Fault(mode=FaultMode.DELAY, action=move) if moves(operation, request) else None
    )
    reports = world.listen()
    assert [("contended", False)] == [(r.done.what, r.done.acknowledge) for r in reports]
    world.dynamo.faults = None
    world.run_for(minutes=20)
    assert 1 == len(hand.jobs)


def test_a_claim_whose_answer_was_lost_is_a_claim() -> None:
    """The client tries again by itself and meets its own seat: the work is done now, and once."""
    hand = Hand()
    world, kind = stack(hand)
    done = put(world, kind)
    world.dynamo.faults = Once(puts("A#"), Fault(mode=FaultMode.ANSWER_LOST))
    world.listen()
    view = view_of(world, done.job_id)
    assert (JobStatus.COMPLETED, 1, 1) == (view.status, view.attempts, len(hand.jobs))


def test_a_close_whose_answer_was_lost_is_a_close() -> None:
    """Whoever meets its own record has closed the attempt, and was not overtaken."""
    world, kind = stack(Hand())
    put(world, kind)
    world.dynamo.faults = Once(puts("R#"), Fault(mode=FaultMode.ANSWER_LOST))
    assert ["closed"] == [report.done.what for report in world.listen()]


def test_whoever_ends_as_another_is_parked_is_seen_by_it() -> None:
    """It woke nobody, since nobody waited yet; so who parks looks once more, and runs."""
    hand = Hand()
    world, kind = stack(hand, subject=lambda p: p.subject)
    put(world, kind)
    message = decode(world.queue.messages.pop().body)
    other = world.new_context().machine.engine
    claimed = other.prepare(message, Plan())
    assert isinstance(claimed, Claimed)
    second = put(world, kind).job_id
    world.dynamo.faults = Pry(
        puts("P#"), lambda: other.finish(claimed, Plan(), Result(succeeded=True))
    )
    world.listen()
    assert (1, JobStatus.COMPLETED) == (hand.done[second], view_of(world, second).status)


def test_who_is_refused_does_not_end_what_another_has_just_begun() -> None:
    """One worker sees the task deleted; another, that has not seen it, has made the call."""
    world = World()
    world.receiver = lambda _: answer(500)
    view = world.create(
        schedule="at(2026-03-02T12:10:05Z)", retry=RetryPolicy(delay_s=60, jitter=False)
    )
    world.run_until(_at("12:10:30"))
    message = decode(world.queue.messages[0].body)
    world.clock.set(_at("12:11:06"))
    engine = world.context.machine.engine
    other = world.new_context().machine.engine
    taken: list[object] = []
    _after_next_look(world, lambda: taken.append(other.prepare(message, Plan())))
    came = engine.prepare(message, Plan(refuse="gone"))
    assert ("Claimed", "held") == (type(taken[0]).__name__, getattr(came, "what", None))
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    assert JobStatus.PROCESSING is run.status


def test_an_old_message_brings_no_new_one() -> None:
    """Its attempt is long closed: the next has a message of its own."""
    world, kind = stack(Hand(act=lambda _: Failed(error="no")), retry=RetryPolicy(delay_s=600))
    put(world, kind)
    old = world.queue.sent[0][1]
    world.run_for(minutes=15)
    world.queue.send([old])
    sent = len(world.queue.sent)
    assert ["stale_attempt"] == [report.done.what for report in world.listen()]
    assert sent == len(world.queue.sent)


def test_a_message_that_comes_early_is_put_back_for_its_time() -> None:
    """It begins nothing, and nobody waits for it in a worker."""
    hand = Hand()
    world, kind = stack(hand)
    done = put(world, kind, delay_s=60)
    began = world.clock.now()
    world.queue.send([replace(world.queue.sent[0][1], delay_s=0)])
    assert ["resent"] == [report.done.what for report in world.listen()]
    assert ([], began) == (hand.jobs, world.clock.now())
    world.run_for(seconds=62)
    assert [done.job_id] == [job.id for job in hand.jobs]


def test_whoever_closed_and_died_is_made_up_for_by_its_own_message() -> None:
    """It comes again and brings its successor; no sweep need come."""
    hand = Hand(act=lambda job: Failed(error="no") if job.attempt == 1 else None)
    world, kind = stack(hand, retry=RetryPolicy(delay_s=5))
    done = put(world, kind)
    world.dynamo.faults = Pry(puts("R#"), die, after=True)
    world.invoke(world.listen)
    assert (1, 1) == (len(world.deaths), len(world.queue.sent))
    world.clock.advance(seconds=VISIBILITY_S)
    world.listen()
    world.clock.advance(seconds=10)
    world.listen()
    assert JobStatus.COMPLETED is view_of(world, done.job_id).status


def test_a_message_that_comes_within_a_second_of_its_time_is_waited_for() -> None:
    """Queues delay by whole seconds, and nothing begins early."""
    began: list[datetime] = []
    world, kind = stack(lambda _: began.append(world.clock.now()))
    due = world.clock.now() + timedelta(seconds=9.6)
    put(world, kind, run_at=due)
    world.run_for(minutes=1)
    assert [due] == began


def test_a_job_that_ends_between_a_cancels_look_and_its_write_has_ended() -> None:
    """Its end stands, and the cancel says that it came too late."""
    hand = Hand()
    world, kind = stack(hand)
    done = put(world, kind)
    message = decode(world.queue.messages.pop().body)
    worker = world.new_context().machine.engine
    claimed = worker.prepare(message, Plan())
    assert isinstance(claimed, Claimed)
    _after_next_look(world, lambda: worker.finish(claimed, Plan(), Result(succeeded=True)))
    with pytest.raises(JobNotOpenError):
        world.machine.jobs.owned.cancel(OWNER, done.job_id)
    assert JobStatus.COMPLETED is view_of(world, done.job_id).status


def test_who_is_woken_and_refused_wakes_the_next_of_its_line() -> None:
    """It never begins, so that it never ends either."""
    hand = Hand(act=lambda _: listen_elsewhere(world) if len(hand.jobs) == 1 else None)
    world, kind = stack(hand, subject=lambda p: p.subject)
    jobs = []
    for _ in range(3):
        jobs.append(put(world, kind).job_id)
        world.clock.advance(seconds=1)
    _, second, third = jobs
    world.listen(1)
    (message,) = [decode(m.body) for m in world.queue.messages if second in m.body]
    world.queue.messages.clear()
    world.machine.engine.prepare(message, Plan(refuse="gone"))
    world.listen()
    assert JobStatus.COMPLETED is view_of(world, third).status


def test_who_is_not_sent_as_it_is_woken_keeps_its_place_in_the_line() -> None:
    """The message of whoever died waking it comes again and wakes it; no sweep need come."""
    hand = Hand(act=lambda _: listen_elsewhere(world) if len(hand.jobs) == 1 else None)
    world, kind = stack(hand, subject=lambda p: p.subject)
    jobs = [put(world, kind).job_id for _ in range(2)]
    world.queue.before_send = die
    world.invoke(lambda: world.listen(1))
    assert 1 == len(hand.jobs)
    world.queue.before_send = lambda: None
    world.clock.advance(seconds=VISIBILITY_S)
    world.listen()
    world.listen()
    assert [JobStatus.COMPLETED] * 2 == [view_of(world, job_id).status for job_id in jobs]
