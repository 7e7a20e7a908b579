"""Refreshing, reuse, grace and the end of sessions, through the HTTP door."""

import os
from dataclasses import replace
from typing import Any

import pytest

from nightshift.core.ids import new_id
from nightshift.core.tokens import b64url, from_b64url
from nightshift.identity.accounts_wiring import build_accounts_app
from tests.contract.door import ENVIRON, PASSWORD, START, Answer, Door, World, register
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.refreshing import MISHAPS, Family

GRACE_S = 10
LIFETIME_S = 2_592_000


def refresh(door: Door, tokens: dict[str, Any]) -> Answer:
    """Use a refresh token."""
    return door("POST", "/auth/refresh", json_body={"refresh_token": tokens["refresh_token"]})


def works(door: Door, tokens: dict[str, Any]) -> bool:
    """Tell whether the access token is still good."""
    return door("GET", "/users/me", token=tokens["access_token"]).status == 200


def test_refreshing_rotates(door: Door, ada: dict[str, Any]) -> None:
    """Each refresh gives a new pair, and both are good."""
    answer = refresh(door, ada)
    assert (200, ada["user"]) == (answer.status, answer.json["user"])
    assert ada["refresh_token"] != answer.json["refresh_token"]
    assert ada["access_token"] != answer.json["access_token"]
    assert (True, True) == (works(door, answer.json), works(door, ada))


def test_secrets_are_256_bits_from_the_operating_system(world: World) -> None:
    """What a refresh token holds beside ids and tag is drawn anew for each session."""
    assert os.urandom == world.outside.random
    drawn: list[int] = []

    def draw(count: int) -> bytes:
        drawn.append(count)
        return os.urandom(count)

    door = Door(handler=build_accounts_app(ENVIRON, replace(world.outside, random=draw)))
    tokens = [register(door, f"ada{number}@example.com")["refresh_token"] for number in range(20)]
    secrets = {from_b64url(token.removeprefix("nsr_"))[32:64] for token in tokens}
    assert 20 == len(secrets)
    assert drawn.count(32) >= 40


def test_a_chain_of_refreshes_is_one_session(door: Door, world: World, ada: dict[str, Any]) -> None:
    """However often it is refreshed, the session stays one."""
    tokens = ada
    for _ in range(30):
        world.clock.advance(seconds=3)
        tokens = refresh(door, tokens).json
    sessions = door("GET", "/sessions", token=tokens["access_token"]).json["items"]
    assert ([True], "2026-11-22T12:01:30Z") == (
        [s["current"] for s in sessions],
        sessions[0]["last_used_at"],
    )


def test_a_lost_answer_can_be_asked_for_again(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """Within the grace the used token gives the same successor, which is good."""
    first = refresh(door, ada).json
    world.clock.advance(seconds=GRACE_S)
    again = refresh(door, ada)
    assert (200, first["refresh_token"]) == (again.status, again.json["refresh_token"])
    assert works(door, refresh(door, again.json).json)


def test_reuse_after_the_grace_ends_the_session(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """A token used long ago is stolen: everything of its session ends."""
    successor = refresh(door, ada).json
    world.clock.advance(seconds=GRACE_S + 1)
    reused = refresh(door, ada)
    assert (401, "refresh_reused") == (reused.status, reused.error)
    assert "token_revoked" == refresh(door, successor).error
    assert "token_revoked" == refresh(door, ada).error
    assert not works(door, successor)
    (line,) = world.actions("session.reuse_detected")
    assert ada["user"]["id"] == line["user_id"]


def test_reuse_ends_only_its_own_session(door: Door, world: World, ada: dict[str, Any]) -> None:
    """The user's other devices stay signed in."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    other = door("POST", "/auth/login", json_body=credentials).json
    refresh(door, ada)
    world.clock.advance(seconds=GRACE_S + 1)
    refresh(door, ada)
    assert (True, 200) == (works(door, other), refresh(door, other).status)


def test_reuse_of_an_older_generation_ends_the_session(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """A token of many rotations ago is known, although its hash is long forgotten."""
    tokens = ada
    for _ in range(40):
        world.clock.advance(seconds=GRACE_S + 1)
        tokens = refresh(door, tokens).json
    assert "refresh_reused" == refresh(door, ada).error
    assert "token_revoked" == refresh(door, tokens).error


def test_within_the_grace_the_newest_successor_is_given(door: Door, ada: dict[str, Any]) -> None:
    """Who repeats while others went on gets what is current, and nobody is signed out."""
    second = refresh(door, ada).json
    third = refresh(door, second).json
    late = refresh(door, ada)
    assert (200, third["refresh_token"]) == (late.status, late.json["refresh_token"])
    assert third["refresh_token"] == refresh(door, second).json["refresh_token"]
    assert 200 == refresh(door, third).status


def test_fifty_at_once_leave_one_family() -> None:
    """Fifty refreshes of one token, all read before one writes, and that write goes wrong.

    All get the same successor, nobody is signed out, and using the token after the grace ends it.
    """
    found = Family(50).run(2 * len(MISHAPS))
    assert ([], 500, 10) == (found.problems, found.refreshed, found.reuses)


@pytest.mark.parametrize("mode", [FaultMode.ANSWER_LOST, FaultMode.CRASH_AFTER])
def test_a_lost_write_is_found_again(
    door: Door, world: World, ada: dict[str, Any], mode: FaultMode
) -> None:
    """Whether the client library repeats it or the client does, the rotation is its own."""
    world.dynamodb.faults = FaultPlan({2: Fault(mode=mode)})
    try:
        tokens = refresh(door, ada).json
    except CrashError:
        world.dynamodb.faults = None
        tokens = refresh(door, ada).json
    world.dynamodb.faults = None
    world.clock.advance(seconds=GRACE_S + 1)
    assert refresh(door, tokens).status == 200


def test_a_client_library_that_repeats_for_longer_than_the_grace_is_known(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """The write that it finds done is its own, however late it learns of it."""

    def wait() -> None:
        world.clock.advance(seconds=GRACE_S + 1)

    world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.ANSWER_LOST, action=wait)})
    answer = refresh(door, ada)
    world.dynamodb.faults = None
    assert (200, True) == (answer.status, works(door, answer.json))


def test_without_a_grace_every_reuse_counts(world: World) -> None:
    """The grace is a setting, and zero is one moment."""
    settings = {**ENVIRON, "NIGHTSHIFT_REFRESH_GRACE_S": "0"}
    door = Door(handler=build_accounts_app(settings, world.outside))
    ada = register(door, "ada@example.com")
    refresh(door, ada)
    world.clock.advance(seconds=1)
    assert "refresh_reused" == refresh(door, ada).error


def test_refresh_tokens_expire(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Who stays away for the whole lifetime signs in again; until then each use begins it anew."""
    world.clock.advance(seconds=LIFETIME_S - 1)
    tokens = refresh(door, ada).json
    world.clock.advance(seconds=LIFETIME_S - 1)
    tokens = refresh(door, tokens).json
    world.clock.advance(seconds=LIFETIME_S)
    assert "refresh_expired" == refresh(door, tokens).error


def test_an_expired_session_that_was_deleted_is_unknown(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """A week after its end, the table's own deletion changes only the slug."""
    world.clock.advance(seconds=LIFETIME_S + 7 * 86_400 + 1)
    assert "refresh_expired" == refresh(door, ada).error
    world.dynamodb.expire(world.clock.now())
    assert "refresh_unknown" == refresh(door, ada).error


def _forged(token: str, index: int) -> str:
    raw = bytearray(from_b64url(token.removeprefix("nsr_")))
    raw[index] ^= 1
    return "nsr_" + b64url(bytes(raw))


@pytest.mark.parametrize("index", [0, 15, 16, 31, 32, 63, 64, 79])
def test_a_made_up_token_ends_nothing(door: Door, ada: dict[str, Any], index: int) -> None:
    """Who knows the ids but no secret can neither refresh nor sign anybody out."""
    answer = door(
        "POST", "/auth/refresh", json_body={"refresh_token": _forged(ada["refresh_token"], index)}
    )
    assert (401, "refresh_unknown") == (answer.status, answer.error)
    assert (True, 200) == (works(door, ada), refresh(door, ada).status)


@pytest.mark.parametrize(
    ("token", "slug"),
    [
        ("x", "refresh_malformed"),
        ("nsr_", "refresh_malformed"),
        ("nsr_äöü", "refresh_malformed"),
        ("nsr_" + "A" * 106, "refresh_malformed"),
        ("nsr_" + "A" * 108, "refresh_malformed"),
        ("nsr_" + "A" * 107, "refresh_unknown"),
        ("a.b.c", "token_wrong_type"),
    ],
)
def test_what_is_no_refresh_token_says_so(door: Door, token: str, slug: str) -> None:
    """Each way to be wrong has its own slug and its own line in the log."""
    answer = door("POST", "/auth/refresh", json_body={"refresh_token": token})
    assert (401, slug) == (answer.status, answer.error)


def test_an_access_token_refreshes_nothing(door: Door, ada: dict[str, Any]) -> None:
    """The two kinds are told apart."""
    answer = refresh(door, {"refresh_token": ada["access_token"]})
    assert (401, "token_wrong_type") == (answer.status, answer.error)


def test_logging_out_ends_this_session_only(door: Door, ada: dict[str, Any]) -> None:
    """After logout neither token works; other sessions go on."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    other = door("POST", "/auth/login", json_body=credentials).json
    answer = door("POST", "/auth/logout", token=ada["access_token"])
    assert (204, "") == (answer.status, answer.text)
    assert "token_revoked" == door("GET", "/users/me", token=ada["access_token"]).error
    assert "token_revoked" == refresh(door, ada).error
    assert works(door, other)


def test_logging_out_everywhere_ends_all(door: Door, ada: dict[str, Any]) -> None:
    """After logout-all no token of before works, and signing in again does."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    other = door("POST", "/auth/login", json_body=credentials).json
    assert door("POST", "/auth/logout-all", token=other["access_token"]).status == 204
    assert [False, False] == [works(door, ada), works(door, other)]
    assert ["token_revoked"] * 2 == [refresh(door, ada).error, refresh(door, other).error]
    assert works(door, door("POST", "/auth/login", json_body=credentials).json)


def test_a_refresh_does_not_undo_a_logout(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Who logs out while a refresh is under way is out."""

    def log_out() -> None:
        world.dynamodb.faults = None
        assert door("POST", "/auth/logout", token=ada["access_token"]).status == 204

    world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.DELAY, action=log_out)})
    assert "token_revoked" == refresh(door, ada).error
    assert "token_revoked" == refresh(door, ada).error
    assert not works(door, ada)


def test_sessions_are_listed_newest_first(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Each live session shows its device; ended ones are gone from the list."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    tokens = []
    for number in range(4):
        world.clock.advance(seconds=60)
        agent = {"user-agent": f"agent {number} " + "x" * 500}
        tokens.append(door("POST", "/auth/login", json_body=credentials, headers=agent).json)
    door("POST", "/auth/logout", token=tokens[1]["access_token"])
    seen: list[dict[str, Any]] = []
    query = {"limit": "2"}
    while True:
        page = door("GET", "/sessions", query=query, token=ada["access_token"]).json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert ["agent 3", "agent 2", "agent 0", ""] == [s["user_agent"][:7] for s in seen]
    assert [False, False, False, True] == [s["current"] for s in seen]
    assert {door.address} == {s["address"] for s in seen}
    assert max(len(s["user_agent"]) for s in seen) == 256


def test_a_session_can_be_ended_from_another(door: Door, ada: dict[str, Any]) -> None:
    """DELETE /sessions/{id} signs a lost device out; doing it twice is no error."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    lost = door("POST", "/auth/login", json_body=credentials).json
    (session,) = [
        s
        for s in door("GET", "/sessions", token=ada["access_token"]).json["items"]
        if not s["current"]
    ]
    for _ in range(2):
        path = f"/sessions/{session['id']}"
        assert door("DELETE", path, token=ada["access_token"]).status == 204
    assert (False, True) == (works(door, lost), works(door, ada))


def test_nobody_ends_the_session_of_another(door: Door, ada: dict[str, Any]) -> None:
    """Somebody else's session does not exist for you."""
    bob = register(door, "bob@example.com")
    (session,) = door("GET", "/sessions", token=ada["access_token"]).json["items"]
    answers = [
        door("DELETE", f"/sessions/{session_id}", token=bob["access_token"])
        for session_id in (session["id"], new_id(START))
    ]
    assert [(404, "session_not_found")] * 2 == [(a.status, a.error) for a in answers]
    assert works(door, ada)


def test_a_disabled_user_is_out_at_once(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Whatever tokens there are, a disabled account opens nothing."""
    world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": f"USER#{ada['user']['id']}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET disabled = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    login = door("POST", "/auth/login", json_body=credentials)
    assert (403, "account_disabled") == (login.status, login.error)
    assert (False, "token_revoked") == (works(door, ada), refresh(door, ada).error)
