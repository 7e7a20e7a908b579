"""What a deleted user leaves behind, and the job that removes it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Put, Table, TransactPart
from nightshift.core.access import UserId
from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_accounts_app
from nightshift.identity.jobs import JobLeaver, leave_kind
from nightshift.identity.leaving import Purge
from nightshift.identity.leaving_store import LeavingStore
from tests.contract.door import ENVIRON, Door, register
from tests.support.accounts import Scene, make_scene
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.world import World as Engine


@dataclass(kw_only=True)
class Later:
    """A leaver whose job is run by the test."""

    table: Table
    left: list[UserId] = field(default_factory=list)

    def leave(self, user_id: UserId, writes: Sequence[TransactPart]) -> None:
        """Do the writes and remember the job."""
        self.table.transact(writes)
        self.left.append(user_id)


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def remains(scene: Scene, user_id: str) -> list[str]:
    """Return the sort keys of what the table holds of a user."""
    return [r["sk"] for r in scene.world.rows("identity") if user_id in repr(r)]


def test_nothing_is_left_of_a_deleted_user(scene: Scene) -> None:
    """Sessions, links, devices, preferences and the place in the directory are gone."""
    ada, bob = scene.verified(), scene.register("bob@example.com")
    scene.login()
    scene.reset_token()
    body = {"locale": "de"}
    scene.door("PUT", "/users/me/preferences", json_body=body, token=ada["access_token"])
    assert 6 <= len(remains(scene, ada["user"]["id"]))
    scene.door("DELETE", "/users/me", token=ada["access_token"])
    assert ([], 200) == (remains(scene, ada["user"]["id"]), scene.me(bob).status)


def test_the_job_belongs_to_the_deletion(scene: Scene) -> None:
    """It is asked for with the writes that delete; the account is over before it has run."""
    later = Later(table=Table(scene.world.dynamodb, "identity"))  # type: ignore[arg-type]  # the fake
    door = Door(handler=build_accounts_app(ENVIRON, scene.world.outside, Neighbours(leaver=later)))
    ada = register(door, "ada@example.com")
    assert 204 == door("DELETE", "/users/me", token=ada["access_token"]).status
    assert [ada["user"]["id"]] == later.left
    assert 401 == door("GET", "/users/me", token=ada["access_token"]).status
    assert remains(scene, ada["user"]["id"])
    _purge(scene)(later.left[0])
    assert [] == remains(scene, ada["user"]["id"])


def _purge(scene: Scene) -> Purge:
    table = Table(scene.world.dynamodb, "identity")  # type: ignore[arg-type]  # the fake
    return Purge(store=LeavingStore(table))


def test_a_user_who_is_there_loses_nothing(scene: Scene) -> None:
    """However a job came to be, it removes only what nobody needs."""
    ada = scene.register()
    before = remains(scene, ada["user"]["id"])
    _purge(scene)(UserId(ada["user"]["id"]))
    assert (before, 200) == (remains(scene, ada["user"]["id"]), scene.me(ada).status)


def test_wherever_the_job_dies_the_next_attempt_does_the_rest() -> None:
    """Each attempt goes on where the last one was cut off."""
    for ordinal in range(1, 14):
        for mode in (FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER):
            scene = make_scene()
            later = Later(table=Table(scene.world.dynamodb, "identity"))  # type: ignore[arg-type]
            neighbours = Neighbours(leaver=later)
            door = Door(handler=build_accounts_app(ENVIRON, scene.world.outside, neighbours))
            ada = register(door, "ada@example.com")
            door("DELETE", "/users/me", token=ada["access_token"])
            scene.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
            with contextlib.suppress(CrashError):
                _purge(scene)(later.left[0])
            scene.world.dynamodb.faults = None
            _purge(scene)(later.left[0])
            assert [] == remains(scene, ada["user"]["id"])


def test_the_job_asks_every_context() -> None:
    """The engine runs it after the deletion, again if it failed, until nothing is left."""
    told: list[str] = []

    def purge(user_id: UserId) -> None:
        told.append(user_id)
        if len(told) == 1:
            raise TimeoutError

    kind = leave_kind(purge)
    engine = Engine(kinds=[kind])
    put = Put(table="jobs", item={"pk": "gone", "sk": "-"}, condition=NOT_EXISTS)
    leaver = JobLeaver(engine.machine.jobs, kind)
    leaver.leave(UserId("ada"), [put])
    with pytest.raises(ConditionFailedError):
        leaver.leave(UserId("bob"), [put])
    engine.run_for(minutes=10)
    assert ["ada", "ada"] == told


def test_each_step_is_taken_before_the_last_trace_goes(scene: Scene) -> None:
    """Other contexts let go while identity still knows that something is to be done."""
    ada = scene.register()
    scene.door("DELETE", "/users/me", token=ada["access_token"])
    seen: list[str] = []
    purge = Purge(
        store=LeavingStore(Table(scene.world.dynamodb, "identity")),  # type: ignore[arg-type]  # fake
        steps=[lambda user_id: seen.append(f"one {user_id}"), lambda _: seen.append("two")],
    )
    purge(UserId(ada["user"]["id"]))
    assert [f"one {ada['user']['id']}", "two"] == seen
