"""Ending all sessions but one: by one write, whoever else writes at the same moment."""

from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from nightshift.core.access import SessionId, UserId
from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_identity
from nightshift.identity.errors import SessionNotFoundError
from nightshift.identity.model import Actor, Client
from nightshift.identity.sessions import Sessions
from tests.contract.door import ENVIRON, PASSWORD, Door, World
from tests.support.faults import Fault, FaultMode, FaultPlan

WRITE = 2
"""The second call of the tables: the first reads user and session."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ada with three sessions, by their tokens."""

    world: World
    door: Door
    sessions: Sessions
    tokens: tuple[str, ...]

    def end_others(self, number: int) -> None:
        """End all sessions but one of Ada's."""
        actor, session_id = self.actor(number)
        self.sessions.end_others(actor, session_id)

    def actor(self, number: int) -> tuple[Actor, SessionId]:
        """Return Ada by one of her sessions."""
        claims = jwt.decode(self.tokens[number], options={"verify_signature": False})
        session_id = SessionId(claims["sid"])
        client = Client(address="203.0.113.7", user_agent="")
        return Actor(
            user_id=UserId(claims["sub"]), session_id=session_id, client=client
        ), session_id

    @property
    def live(self) -> list[bool]:
        """Which sessions stand."""
        answers = [self.door("GET", "/users/me", token=token) for token in self.tokens]
        return [answer.status == 200 for answer in answers]


@pytest.fixture
def scene(world: World, door: Door, ada: dict[str, Any]) -> Scene:
    """Three sessions."""
    login = {"email": "ada@example.com", "password": PASSWORD}
    more = [door("POST", "/auth/login", json_body=login).json for _ in range(2)]
    identity = build_identity(ENVIRON, world.outside, Neighbours())
    tokens = tuple(one["access_token"] for one in (ada, *more))
    return Scene(world=world, door=door, sessions=identity.sessions, tokens=tokens)


def test_one_stays(scene: Scene) -> None:
    """And is noted once."""
    scene.end_others(1)
    assert [False, True, False] == scene.live
    assert 1 == len(scene.world.actions("session.ended_others"))


def test_a_lost_answer_is_no_lost_race(scene: Scene) -> None:
    """It knows its own write again."""
    plan = FaultPlan({WRITE: Fault(mode=FaultMode.ANSWER_LOST)})
    scene.world.dynamodb.faults = plan
    scene.end_others(1)
    scene.world.dynamodb.faults = None
    assert WRITE == plan.calls
    assert [False, True, False] == scene.live


def test_of_two_that_end_each_other_one_stays(scene: Scene) -> None:
    """The slower one is told that it has ended, and ends nobody."""
    scene.world.dynamodb.faults = FaultPlan(
        {WRITE: Fault(mode=FaultMode.DELAY, action=lambda: scene.end_others(2))}
    )
    with pytest.raises(SessionNotFoundError):
        scene.end_others(1)
    scene.world.dynamodb.faults = None
    assert [False, False, True] == scene.live


def test_another_change_at_that_moment_is_kept(scene: Scene) -> None:
    """It looks again and ends the others all the same."""

    def rename() -> None:
        scene.door("PATCH", "/users/me", json_body={"name": "Eve"}, token=scene.tokens[0])

    scene.world.dynamodb.faults = FaultPlan({WRITE: Fault(mode=FaultMode.DELAY, action=rename)})
    scene.end_others(1)
    scene.world.dynamodb.faults = None
    assert [False, True, False] == scene.live
    assert "Eve" == scene.door("GET", "/users/me", token=scene.tokens[1]).json["name"]


def test_one_that_ended_at_that_moment_ends_nobody(scene: Scene) -> None:
    """Whoever stole a session that its owner has just ended is too late."""
    actor, session_id = scene.actor(1)
    scene.world.dynamodb.faults = FaultPlan(
        {WRITE: Fault(mode=FaultMode.DELAY, action=lambda: scene.sessions.end(actor, session_id))}
    )
    with pytest.raises(SessionNotFoundError):
        scene.end_others(1)
    scene.world.dynamodb.faults = None
    assert [True, False, True] == scene.live
