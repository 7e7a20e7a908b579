"""Idempotency-Key: the work is done once, and the first answer comes back."""

import threading
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.aws.dynamo import marshal_item
from nightshift.core.errors import (
    ConflictError,
    NightshiftError,
    NotFoundError,
    TooManyRequestsError,
    UnavailableError,
)
from tests.contract.door import Answer, Door, World
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.unit.http.toys import Toys, build_toys

BALL = {"name": "ball"}
KEY = "key-1"


def make(
    door: Door,
    body: object = None,
    *,
    key: str = KEY,
    token: str = "member",  # noqa: S107 - names a role
    path: str = "/toys",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Make a toy under an Idempotency-Key."""
    sent = {"idempotency-key": key, **(headers or {})}
    return door("POST", path, json_body=body or BALL, token=token, headers=sent)


def test_the_same_request_gets_the_first_answer(door: Door, toys: Toys) -> None:
    """A repeated request makes nothing and is answered as the first one was."""
    first, second = make(door), make(door)
    assert (first.status, first.text) == (second.status, second.text)
    assert (first.headers["location"], "true") == (
        second.headers["location"],
        second.headers["idempotency-replayed"],
    )
    assert len(toys.made) == 1


def test_the_same_json_in_another_spelling_is_the_same(door: Door, toys: Toys) -> None:
    """Order of names and blanks make no other body."""
    make(door, {"name": "ball", "colour": "red"})
    body = b' { "colour" : "red",\n "name":"b\\u0061ll" } '
    headers = {"idempotency-key": KEY, "content-type": "application/json"}
    answer = door("POST", "/toys", body=body, token="member", headers=headers)
    assert (201, 1) == (answer.status, len(toys.made))


@pytest.mark.parametrize("other", [{"name": "doll"}, {"name": "ball", "colour": "red"}])
def test_another_body_is_refused(door: Door, toys: Toys, other: object) -> None:
    """The same key with another body is 422 and does nothing."""
    make(door)
    answer = make(door, other)
    assert (422, "idempotency_key_reused", 1) == (answer.status, answer.error, len(toys.made))


def test_keys_belong_to_a_caller_and_a_route(door: Door, toys: Toys) -> None:
    """The same key of somebody else, or elsewhere, is another key."""
    ids = {
        make(door).json["id"],
        make(door, token="admin").json["id"],
        make(door, path="/secret-toys").json["id"],
        make(door, key="key-2").json["id"],
    }
    assert (4, 4) == (len(ids), len(toys.made))


def test_without_a_key_every_request_counts(door: Door, toys: Toys) -> None:
    """Nobody is held to keys."""
    for _ in range(2):
        door("POST", "/toys", json_body=BALL, token="member")
    assert len(set(toys.made)) == 2


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256, "a\x7f", "a\tb"])
def test_a_bad_key_is_400(door: Door, toys: Toys, key: str) -> None:
    """Keys are visible ASCII of bounded length."""
    answer = make(door, key=key)
    assert (400, "idempotency_key_invalid", []) == (answer.status, answer.error, toys.made)


def test_bad_input_takes_no_key(door: Door, toys: Toys, world: World) -> None:
    """What was refused before anything began leaves the key free."""
    assert make(door, {"name": ""}).status == 422
    assert [] == world.rows("http")
    assert (201, 1) == (make(door).status, len(toys.made))


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (NotFoundError(), True),
        (ConflictError(), False),
        (TooManyRequestsError(), False),
        (UnavailableError(), False),
        (RuntimeError(), False),
    ],
)
def test_only_final_answers_are_kept(
    door: Door, toys: Toys, error: Exception, *, kept: bool
) -> None:
    """What asks to be tried again, or was our fault, is not given again."""
    toys.failures.append(error)
    first = make(door)
    second = make(door)
    assert kept == (first.status == second.status)
    assert ("not_found" if kept else None) == second.json.get("error")
    assert isinstance(error, NightshiftError) or first.status == 500


def test_a_kept_problem_names_the_first_request(door: Door, toys: Toys) -> None:
    """A replayed problem is the first answer, byte for byte."""
    toys.failures.append(NotFoundError())
    first, second = make(door), make(door)
    assert first.text == second.text
    assert "application/problem+json" == second.headers["content-type"]


def test_keys_are_forgotten_after_their_time(door: Door, toys: Toys, world: World) -> None:
    """After a day the key is new, whether or not the table has deleted it."""
    make(door)
    world.clock.advance(seconds=86_400)
    assert make(door, {"name": "doll"}).status == 201
    assert len(toys.made) == 2


def test_a_late_deletion_changes_nothing(door: Door, toys: Toys, world: World) -> None:
    """One second before its time the key still stands."""
    make(door)
    world.clock.advance(seconds=86_399)
    assert (201, 1) == (make(door).status, len(toys.made))


class GatedToys(Toys):
    """Holds the first request inside its handler until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go = threading.Event(), threading.Event()

    def make(self, toy_id: str) -> None:
        """Make one, the first time only when told to go on."""
        if not self.inside.is_set():
            self.inside.set()
            assert self.go.wait(10)
        super().make(toy_id)


def test_a_duplicate_in_flight_is_409(door: Door, world: World) -> None:
    """While the first still runs, the second is told to come back."""
    toys = GatedToys()
    app = Door(handler=build_toys(world, toys))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(make, app)
        assert toys.inside.wait(10)
        second = make(app)
        other = make(app, {"name": "doll"})
        toys.go.set()
        assert first.result().status == 201
    assert (409, "idempotency_in_progress") == (second.status, second.error)
    assert 1 <= int(second.headers["retry-after"]) <= 5
    assert "idempotency_key_reused" == other.error
    assert (201, 1) == (make(app).status, len(toys.made))


def test_many_at_once_make_one(world: World, toys: Toys) -> None:
    """Thirty equal requests at once make one toy, and all who are answered get that one."""
    doors = [Door(handler=build_toys(world, toys)) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(make, doors * 3))
    ids = {a.json["id"] for a in answers if a.status == 201}
    assert ({201, 409} >= {a.status for a in answers}, 1, 1) == (True, len(ids), len(toys.made))


def test_a_crash_frees_the_key_after_the_lease(world: World, toys: Toys) -> None:
    """A request that died is run again after its lease, under the same id, and not before."""
    door = Door(handler=build_toys(world, toys))
    calls = FaultPlan()
    world.dynamodb.faults = calls
    make(door, key="probe")
    world.dynamodb.faults = FaultPlan({calls.calls: Fault(mode=FaultMode.CRASH_BEFORE)})
    with pytest.raises(CrashError):
        make(door)
    world.dynamodb.faults = None
    world.clock.advance(seconds=34)
    assert make(door).error == "idempotency_in_progress"
    assert make(door, {"name": "doll"}).error == "idempotency_key_reused"
    world.clock.advance(seconds=1)
    again = make(door)
    assert (201, toys.made[1]) == (again.status, again.json["id"])
    assert toys.made[1] == toys.made[2]


def test_only_one_takes_over_after_a_crash(world: World, toys: Toys) -> None:
    """Of many that find a dead request's key, one runs."""
    door = Door(handler=build_toys(world, toys))
    world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.CRASH_BEFORE)})
    with pytest.raises(CrashError):
        make(door)
    world.dynamodb.faults = None
    world.clock.advance(seconds=35)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, [door] * 8))
    assert {201, 409} >= {a.status for a in answers}
    assert 2 == len(toys.made)


@pytest.fixture
def dead(world: World, toys: Toys) -> Door:
    """A door where the key was taken by a request that died before its handler ran."""
    door = Door(handler=build_toys(world, toys))
    world.dynamodb.faults = FaultPlan({1: Fault(mode=FaultMode.CRASH_AFTER)})
    with pytest.raises(CrashError):
        make(door)
    world.dynamodb.faults = None
    world.clock.advance(seconds=35)
    return door


def test_taking_over_loses_to_who_was_faster(dead: Door, world: World, toys: Toys) -> None:
    """Who finds a dead request's key, but too late, does nothing."""

    def other_first() -> None:
        world.dynamodb.faults = None
        assert make(dead).status == 201

    world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.DELAY, action=other_first)})
    answer = make(dead)
    assert (409, "idempotency_in_progress", 1) == (answer.status, answer.error, len(toys.made))
    assert (201, 1) == (make(dead).status, len(toys.made))


def test_a_lost_answer_at_taking_over_is_no_loss(dead: Door, world: World, toys: Toys) -> None:
    """When the client library repeats the take-over, the request knows itself as the holder."""
    world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.ANSWER_LOST)})
    assert (201, 1) == (make(dead).status, len(toys.made))


def test_a_late_first_request_does_not_overwrite(door: Door, world: World) -> None:
    """Who was taken over does not put its answer over the other's."""
    toys = GatedToys()
    app = Door(handler=build_toys(world, toys))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(make, app)
        assert toys.inside.wait(10)
        world.clock.advance(seconds=36)
        taken = make(app)
        row_before = world.rows("http")
        toys.go.set()
        assert late.result().status == 201
    assert (201, row_before) == (taken.status, world.rows("http"))


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_lost_answer_of_the_table_is_no_duplicate(
    world: World, door: Door, toys: Toys, ordinal: int
) -> None:
    """When the client library repeats its own write, the request knows itself as the holder."""
    world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=FaultMode.ANSWER_LOST)})
    first = make(door)
    world.dynamodb.faults = None
    assert (201, 201, 1) == (first.status, make(door).status, len(toys.made))


def test_an_answer_too_large_to_keep_says_so(world: World, toys: Toys) -> None:
    """The work is not done again even when its answer could not be kept."""
    door = Door(handler=build_toys(world, toys))
    make(door)
    (row,) = world.rows("http")
    del row["kept"]
    world.dynamodb.delete_table(TableName="http")
    world.dynamodb.add_table("http")
    world.dynamodb.seed("http", [marshal_item(row)])
    answer = make(door)
    assert (409, "idempotency_answer_gone", 1) == (answer.status, answer.error, len(toys.made))


def test_nothing_of_the_request_is_stored(door: Door, world: World) -> None:
    """The table holds no word of a body, not even as a plain hash."""
    make(door, {"name": "very secret"}, path="/secret-toys")
    stored = repr(world.rows("http"))
    assert ("secret" in stored, "very" in stored) == (False, False)


def test_sealed_answers_open_only_for_their_request(door: Door, world: World) -> None:
    """What holds tokens is replayed, and stands in the table unreadable."""
    first = make(door, path="/secret-toys")
    second = make(door, path="/secret-toys")
    (row,) = world.rows("http")
    assert first.text == second.text
    with pytest.raises(zlib.error):
        zlib.decompress(bytes(row["kept"]))


def test_sealed_answers_are_kept_for_less_time(door: Door, toys: Toys, world: World) -> None:
    """Ten minutes, since the tokens in it do not live longer."""
    make(door, path="/secret-toys")
    world.clock.advance(seconds=600)
    make(door, path="/secret-toys")
    assert len(toys.made) == 2


def test_get_takes_no_key(door: Door, world: World) -> None:
    """Reading is idempotent by itself."""
    door("GET", "/toys", token="member", headers={"idempotency-key": KEY})
    assert [] == world.rows("http")
