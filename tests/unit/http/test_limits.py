"""Request limits: exact in one process, near zero writes for those who call seldom."""

import pytest

from nightshift.aws.dynamo import Table
from nightshift.http.errors import RateLimitedError
from nightshift.http.limits import Limiter
from nightshift.http.routing import LimitRule
from tests.contract.door import Door, World, make_world
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.http.toys import Toys, build_toys

RULE = LimitRule(name="test", limit=100, window_s=60)


def limiter(world: World) -> Limiter:
    """Return a process's limiter over the world's table."""
    return Limiter(table=Table(world.dynamodb, "http"), clock=world.clock)  # type: ignore[arg-type]  # the fake client


def passes(one: Limiter, times: int, rule: LimitRule = RULE, who: str = "ada") -> int:
    """Return how many of `times` requests pass."""
    count = 0
    for _ in range(times):
        try:
            one.check(rule, who)
        except RateLimitedError:
            continue
        count += 1
    return count


@pytest.mark.parametrize("limit", [1, 2, 3, 19, 20, 21, 59, 100, 101])
def test_one_process_is_exact(world: World, limit: int) -> None:
    """Exactly the limit passes, whatever the blocks are."""
    rule = LimitRule(name="test", limit=limit, window_s=60)
    assert limit == passes(limiter(world), limit + 50, rule)


@pytest.mark.parametrize("processes", [2, 5, 20])
def test_many_processes_pass_little_more(world: World, processes: int) -> None:
    """Each further process adds at most a twentieth of the limit."""
    limiters = [limiter(world) for _ in range(processes)]
    total = 0
    for _ in range(120):
        total += sum(passes(one, 1) for one in limiters)
    assert 100 <= total <= 100 + processes * 5


def test_who_calls_seldom_costs_no_write(world: World) -> None:
    """The first requests of a window leave the table alone."""
    assert (5, []) == (passes(limiter(world), 5), world.rows("http"))


def test_a_busy_caller_costs_a_write_for_a_block(world: World) -> None:
    """Twenty blocks are at most twenty writes, and refusals beyond cost none."""
    plan = FaultPlan()
    world.dynamodb.faults = plan
    passes(limiter(world), 500)
    assert plan.calls <= 22


def test_the_next_window_begins_anew(world: World) -> None:
    """What was used up is free again when the window ends, which Retry-After tells."""
    one = limiter(world)
    world.clock.advance(seconds=13)
    passes(one, 100)
    with pytest.raises(RateLimitedError) as refused:
        one.check(RULE, "ada")
    assert refused.value.retry_after_s == 47
    world.clock.advance(seconds=47)
    assert 100 == passes(one, 120)


def test_one_uses_up_nothing_of_another(world: World) -> None:
    """Everybody has a window of their own."""
    one = limiter(world)
    passes(one, 200)
    assert 100 == passes(one, 200, who="bob")


def test_a_lost_answer_only_errs_on_the_side_of_the_limit(world: World) -> None:
    """A block booked twice makes the window shorter, never longer."""
    world.dynamodb.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    assert 85 <= passes(limiter(world), 200) <= 100


def test_memory_is_bounded(world: World) -> None:
    """However many callers come, what is remembered of them is bounded."""
    one = limiter(world)
    for number in range(10_500):
        one.check(RULE, f"caller-{number}")
    assert len(one._windows) <= 10_000


def test_a_busy_user_is_429_with_retry_after(world: World, toys: Toys) -> None:
    """A signed-in caller has a window, however many addresses it calls from."""
    door = Door(handler=build_toys(world, toys, NIGHTSHIFT_RATE_LIMIT_CALLER="3"))
    answers = []
    for number in range(4):
        door.address = f"203.0.113.{number}"
        answers.append(door("GET", "/toys", token="member"))
    assert [200, 200, 200, 429] == [a.status for a in answers]
    assert ("rate_limited", "60") == (answers[3].error, answers[3].headers["retry-after"])
    assert door("GET", "/toys", token="admin").status == 200


def test_an_address_without_credentials_is_limited(world: World, toys: Toys) -> None:
    """Bad tokens count like public calls, by address."""
    door = Door(handler=build_toys(world, toys, NIGHTSHIFT_RATE_LIMIT_ADDRESS="3"))
    statuses = [
        door("GET", "/toys/best").status,
        door("GET", "/toys", token="nobody").status,
        door("GET", "/toys").status,
        door("GET", "/toys", token="nobody").status,
        door("GET", "/toys/best").status,
        door("GET", "/toys", token="member").status,
    ]
    assert [200, 401, 401, 429, 429, 200] == statuses


def test_a_route_can_have_a_limit_of_its_own(door: Door) -> None:
    """A route that names a rule is counted under it."""
    statuses = [door("GET", "/limited").status for _ in range(4)]
    assert ([200, 200, 200, 429], 200) == (statuses, door("GET", "/toys/best").status)


def test_addresses_are_not_stored(world: World, toys: Toys) -> None:
    """The table holds hashes of addresses."""
    door = Door(handler=build_toys(world, toys, NIGHTSHIFT_RATE_LIMIT_ADDRESS="20"))
    for _ in range(10):
        door("GET", "/toys/best")
    assert (True, False) == (
        bool(world.rows("http")),
        door.address in repr(world.rows("http")),
    )


def test_a_fresh_world_has_nothing() -> None:
    """The fixture's table begins empty."""
    assert [] == make_world().rows("http")
