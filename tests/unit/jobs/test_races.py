"""Two workers at the same moment: what one does between another's look and its claim."""

from collections.abc import Callable
from datetime import datetime

import pytest

from nightshift.aws.dynamo import marshal_item
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Claimed
from nightshift.jobs.errors import JobNotOpenError
from nightshift.jobs.items import seat_item
from nightshift.jobs.keys import own_seat
from nightshift.jobs.model import Look, Message, Overlap, Plan, Seat, Token
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND
from tests.support.faults import Fault, FaultMode
from tests.support.prying import Pry, puts
from tests.support.work import Hand, put, stack, view_of
from tests.support.world import OWNER, World


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _after_next_look(world: World, act: Callable[[], None]) -> None:
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
