"""Registering, signing in, and one's own user, through the HTTP door."""

from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import process_time
from typing import Any

import pytest

from nightshift.core.environment import SettingsError
from nightshift.core.ids import is_id
from nightshift.identity.accounts_wiring import build_accounts_app
from tests.contract.door import ENVIRON, PASSWORD, Answer, Door, World, make_world, register
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan

ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}


def login(door: Door, email: str = "ada@example.com", password: str = PASSWORD) -> Answer:
    """Sign in."""
    return door("POST", "/auth/login", json_body={"email": email, "password": password})


def test_registering_signs_in(door: Door) -> None:
    """A new account comes with a usable pair of tokens."""
    answer = door("POST", "/auth/register", json_body=ADA)
    body = answer.json
    assert (201, "Bearer", 900, 2_592_000) == (
        answer.status,
        body["token_type"],
        body["expires_in"],
        body["refresh_expires_in"],
    )
    me = door("GET", "/users/me", token=body["access_token"])
    assert (200, body["user"], '"1"') == (me.status, me.json, me.headers["etag"])
    assert is_id(me.json["id"])


def test_no_secret_is_stored(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Neither the password nor a refresh token stands in the table."""
    login(door)
    stored = repr(world.rows("identity")) + repr(world.rows("http"))
    assert (False, False, True) == (
        PASSWORD in stored,
        ada["refresh_token"][4:40] in stored,
        "$argon2id$v=19$m=64,t=1,p=1$" in stored,
    )


def test_nothing_secret_is_logged(door: Door, world: World, ada: dict[str, Any]) -> None:
    """The log knows ids, and no password, token or address."""
    login(door, password="wrong password")
    login(door)
    door("GET", "/users/me", token=ada["access_token"])
    door("POST", "/auth/refresh", json_body={"refresh_token": ada["refresh_token"]})
    logged = world.logged.getvalue()
    secrets = [PASSWORD, "wrong password", "example.com", "eyJ", "nsr_", door.address]
    assert [] == [secret for secret in secrets if secret in logged]
    assert ada["user"]["id"] in logged


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.COM", "Ada@example.com"])
def test_an_address_has_one_account(door: Door, ada: dict[str, Any], email: str) -> None:
    """Case makes no other address."""
    answer = door("POST", "/auth/register", json_body=ADA | {"email": email})
    assert (409, "email_taken") == (answer.status, answer.error)
    assert login(door, email=email).json["user"]["id"] == ada["user"]["id"]


def test_many_registrations_of_one_address_make_one(world: World) -> None:
    """Of twenty at once, one wins, and nothing of the others is left."""
    door = Door(handler=build_accounts_app(ENVIRON, world.outside))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: door("POST", "/auth/register", json_body=ADA), range(20)))
    assert [201] + [409] * 19 == sorted(a.status for a in answers)
    assert {"EMAIL": 1, "DIRECTORY": 1, "USER": 4, "HOME": 1} == _count(world)


def _count(world: World) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in world.rows("identity"):
        kind = str(row["pk"]).partition("#")[0]
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def test_a_lost_answer_at_registration_is_no_conflict(world: World, door: Door) -> None:
    """When the client library repeats the transaction, the user is not told to be taken."""
    world.dynamodb.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    body = register(door, "ada@example.com")
    assert door("GET", "/users/me", token=body["access_token"]).status == 200


def test_a_registration_that_crashed_is_run_again(world: World, door: Door) -> None:
    """With a key, whoever lost everything but the request gets the account that was made."""
    headers = {"idempotency-key": "once"}
    world.dynamodb.faults = FaultPlan({3: Fault(mode=FaultMode.CRASH_BEFORE)})
    with pytest.raises(CrashError):
        door("POST", "/auth/register", json_body=ADA, headers=headers)
    world.dynamodb.faults = None
    world.clock.advance(seconds=36)
    answer = door("POST", "/auth/register", json_body=ADA, headers=headers)
    assert 201 == answer.status
    assert door("GET", "/users/me", token=answer.json["access_token"]).status == 200
    assert {"EMAIL": 1, "DIRECTORY": 1, "USER": 5, "HOME": 1} == _count(world)


def test_a_repeated_registration_gets_the_first_answer(door: Door, world: World) -> None:
    """With a key, the tokens of the first answer come again, and stand nowhere readable."""
    headers = {"idempotency-key": "once"}
    first = door("POST", "/auth/register", json_body=ADA, headers=headers)
    second = door("POST", "/auth/register", json_body=ADA, headers=headers)
    other = door(
        "POST", "/auth/register", json_body=ADA | {"password": "x" * 9 + "yz"}, headers=headers
    )
    assert (first.text, 422) == (second.text, other.status)
    assert first.json["refresh_token"] not in repr(world.rows("http"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@"}, "email"),
        ({"email": "ada@localhost"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "ada@exam ple.com"}, "email"),
        ({"email": "Ada <ada@example.com>"}, "email"),
        ({"email": "ada@example.com\r\nBcc: x@example.com"}, "email"),
        ({"email": "a" * 65 + "@example.com"}, "email"),
        ({"email": "a@" + "b" * 250 + ".com"}, "email"),
        ({"email": ["ada@example.com"]}, "email"),
        ({"password": "short67"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "PassWord123"}, "password"),
        ({"password": "12345678"}, "password"),
        ({"password": "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44"}, "password"),
        ({"password": "ada@example.com"}, "password"),
        ({"password": 12345678}, "password"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"role": "admin"}, "role"),
        ({"roles": ["admin"]}, "roles"),
    ],
)
def test_bad_input_makes_no_account(
    door: Door, world: World, change: dict[str, object], field: str
) -> None:
    """Each bad field is named, and nothing is stored."""
    answer = door("POST", "/auth/register", json_body=ADA | change)
    assert (422, [field]) == (answer.status, [e["field"] for e in answer.json["errors"]])
    assert [] == world.rows("identity")


@pytest.mark.parametrize(
    "password", ["x7#Lq2!p", "y" * 128, "pass word with blanks", "пароль-очень-длинный", "🔑" * 8]
)
def test_any_uncommon_password_will_do(door: Door, password: str) -> None:
    """Length counts characters, in any script."""
    register(door, "ada@example.com", password)
    assert (200, 401) == (
        login(door, password=password).status,
        login(door, password=password + "x").status,
    )


def test_equivalent_spellings_are_one_password(door: Door) -> None:
    """A password typed on another keyboard is the same (NFKC)."""
    register(door, "ada@example.com", "caf\u00e9 cr\u00e8me")
    assert login(door, password="cafe\u0301 cre\u0300me").status == 200


def test_wrong_and_unknown_are_answered_alike(door: Door, ada: dict[str, Any]) -> None:
    """Nobody learns from signing in whether an address has an account."""
    wrong, unknown = login(door, password="wrong password"), login(door, "eve@example.com")
    assert (401, wrong.json | {"request_id": ""}) == (
        unknown.status,
        unknown.json | {"request_id": ""},
    )
    assert "invalid_credentials" == wrong.error


def test_wrong_and_unknown_cost_the_same_calls(
    door: Door, world: World, ada: dict[str, Any]
) -> None:
    """Both take the same reads and writes, so that time tells nothing either."""
    plan = FaultPlan()
    world.dynamodb.faults = plan
    login(door, password="wrong password")
    wrong = plan.operations()
    world.dynamodb.faults = plan = FaultPlan()
    login(door, "eve@example.com")
    assert wrong == plan.operations()


def test_wrong_and_unknown_take_the_same_time(world: World) -> None:
    """The work on the password is done for unknown addresses too (ratio of medians in one run)."""
    slow = {"NIGHTSHIFT_ARGON2_TIME": "20", "NIGHTSHIFT_ARGON2_MEMORY_KIB": "4096"}
    many = {"NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "50"}
    door = Door(handler=build_accounts_app({**ENVIRON, **slow, **many}, world.outside))
    register(door, "ada@example.com")
    took: dict[str, list[float]] = {"ada@example.com": [], "eve@example.com": []}
    for _ in range(5):
        for email, times in took.items():
            started = process_time()
            login(door, email, "wrong password")
            times.append(process_time() - started)
    known, unknown = (median(times) for times in took.values())
    assert 0.6 < unknown / known < 1.6


def test_the_delay_of_an_account_grows(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Five attempts are free, then the waiting time doubles; the right password waits too."""
    statuses = [login(door, password="wrong password").status for _ in range(6)]
    assert [401] * 5 + [429] == statuses
    waits = []
    for _ in range(12):
        refused = login(door)
        waits.append(int(refused.headers["retry-after"]))
        assert (429, "too_many_attempts") == (refused.status, refused.error)
        world.clock.advance(seconds=waits[-1])
        assert login(door, password="wrong password").status == 401
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] == waits


def test_success_forgets_the_failures(door: Door, ada: dict[str, Any]) -> None:
    """Who gets in begins anew."""
    for _ in range(4):
        for _ in range(4):
            assert login(door, password="wrong password").status == 401
        assert login(door).status == 200


def test_unknown_addresses_are_delayed_too(door: Door, ada: dict[str, Any]) -> None:
    """The delay tells nothing about whether the account exists."""
    assert [401] * 5 + [429] == [login(door, "eve@example.com").status for _ in range(6)]


def test_guessing_in_parallel_is_no_way_around(door: Door, ada: dict[str, Any]) -> None:
    """Of forty guesses at once, no more than the free ones are looked at."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: login(door, password=f"guess number {n}"), range(40)))
    looked_at = [a for a in answers if a.status == 401]
    assert (True, {401, 429}) == (len(looked_at) <= 5, {a.status for a in answers})


def test_the_delay_of_an_address_grows(world: World) -> None:
    """Trying many accounts from one address is delayed; other addresses are not."""
    door = Door(handler=build_accounts_app(ENVIRON, world.outside))
    register(door, "ada@example.com")
    statuses = [login(door, f"eve{n}@example.com").status for n in range(31)]
    assert [401] * 30 + [429] == statuses
    assert login(door).status == 429
    door.address = "203.0.113.99"
    assert login(door).status == 200


def test_failures_are_forgotten_in_time(door: Door, world: World, ada: dict[str, Any]) -> None:
    """An hour after the delay was over, nothing is held against anybody."""
    for _ in range(6):
        login(door, password="wrong password")
    world.clock.advance(seconds=3602)
    assert [401] * 5 == [login(door, password="wrong password").status for _ in range(5)]


def test_passwords_move_to_todays_parameters(world: World) -> None:
    """Signing in with an old hash stores a new one; the old parameters still verify."""
    old = Door(handler=build_accounts_app(ENVIRON, world.outside))
    register(old, "ada@example.com")
    new = Door(
        handler=build_accounts_app({**ENVIRON, "NIGHTSHIFT_ARGON2_TIME": "2"}, world.outside)
    )
    assert (200, 200, 200) == (login(new).status, login(old).status, login(new).status)
    assert "m=64,t=2,p=1" in repr(world.rows("identity"))
    assert 1 <= len(world.actions("password.rehashed"))


def test_registrations_are_limited_by_address(world: World) -> None:
    """One address makes only so many accounts in an hour."""
    door = Door(
        handler=build_accounts_app(
            {**ENVIRON, "NIGHTSHIFT_REGISTER_LIMIT_ADDRESS": "2"}, world.outside
        )
    )
    statuses = [
        door("POST", "/auth/register", json_body=ADA | {"email": f"a{n}@example.com"}).status
        for n in range(3)
    ]
    assert [201, 201, 429] == statuses
    world.clock.advance(seconds=3600)
    assert register(door, "a3@example.com")


def test_the_profile_changes_under_its_version(door: Door, ada: dict[str, Any]) -> None:
    """PATCH gives a new version and ETag; an old one is refused."""
    token = ada["access_token"]
    changed = door("PATCH", "/users/me", json_body={"name": " Bea "}, token=token)
    assert (200, "Bea", 2, '"2"') == (
        changed.status,
        changed.json["name"],
        changed.json["version"],
        changed.headers["etag"],
    )
    stale = door(
        "PATCH", "/users/me", json_body={"name": "C"}, token=token, headers={"if-match": '"1"'}
    )
    assert (412, "Bea") == (stale.status, door("GET", "/users/me", token=token).json["name"])


def test_changing_nothing_changes_no_version(door: Door, ada: dict[str, Any]) -> None:
    """An empty PATCH, or one that says the same, is no change."""
    for body in ({}, {"name": "Ada"}):
        answer = door("PATCH", "/users/me", json_body=body, token=ada["access_token"])
        assert (200, 1) == (answer.status, answer.json["version"])


def test_a_lost_race_is_409(door: Door, world: World, ada: dict[str, Any]) -> None:
    """Of two changes at the same moment, one is told."""

    def change_first() -> None:
        world.dynamodb.faults = None
        door("PATCH", "/users/me", json_body={"name": "First"}, token=ada["access_token"])

    world.dynamodb.faults = FaultPlan({3: Fault(mode=FaultMode.DELAY, action=change_first)})
    answer = door("PATCH", "/users/me", json_body={"name": "Second"}, token=ada["access_token"])
    me = door("GET", "/users/me", token=ada["access_token"])
    assert (409, "conflict", "First") == (answer.status, answer.error, me.json["name"])


def test_a_lost_answer_is_no_lost_race(door: Door, world: World, ada: dict[str, Any]) -> None:
    """A change that the client library repeated is one's own."""
    world.dynamodb.faults = FaultPlan({3: Fault(mode=FaultMode.ANSWER_LOST)})
    answer = door("PATCH", "/users/me", json_body={"name": "Bea"}, token=ada["access_token"])
    assert (200, 2) == (answer.status, answer.json["version"])


def test_deleting_frees_the_address_and_ends_all(door: Door, ada: dict[str, Any]) -> None:
    """After DELETE no token works, the password is worth nothing, and the address is free."""
    other = login(door).json
    assert door("DELETE", "/users/me", token=ada["access_token"]).status == 204
    assert ["token_revoked"] * 2 == [
        door("GET", "/users/me", token=tokens["access_token"]).error for tokens in (ada, other)
    ]
    refreshed = door("POST", "/auth/refresh", json_body={"refresh_token": ada["refresh_token"]})
    assert (401, 401) == (refreshed.status, login(door).status)
    assert register(door, "ada@example.com")["user"]["id"] != ada["user"]["id"]


def test_deleting_wants_the_right_version(door: Door, ada: dict[str, Any]) -> None:
    """DELETE honours If-Match."""
    headers = {"if-match": '"7"'}
    answer = door("DELETE", "/users/me", token=ada["access_token"], headers=headers)
    assert (412, 200) == (answer.status, login(door).status)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"NIGHTSHIFT_ACCESS_TOKEN_TTL_S": "60", "NIGHTSHIFT_REFRESH_TOKEN_TTL_S": "60"}, "below"),
        ({"NIGHTSHIFT_ACCESS_TOKEN_TTL_S": "0"}, "between 1 and 86400 of seconds"),
        ({"NIGHTSHIFT_REFRESH_GRACE_S": "ten"}, "whole number"),
        ({"NIGHTSHIFT_STAGE": "production"}, "one of local, dev, staging, prod"),
    ],
)
def test_settings_that_make_no_sense_do_not_start(change: dict[str, str], message: str) -> None:
    """A bad value stops the start and says what would be right."""
    with pytest.raises(SettingsError, match=message):
        build_accounts_app({**ENVIRON, **change}, make_world().outside)


@pytest.mark.parametrize(
    ("stage", "setting", "email", "role"),
    [
        ("local", "", "demo@example.com", "admin"),
        ("local", "", "Demo@Example.com", "admin"),
        ("local", "boss@example.com", "demo@example.com", "member"),
        ("local", "boss@example.com", "boss@example.com", "admin"),
        ("prod", "", "demo@example.com", "member"),
        ("prod", "boss@example.com", "boss@example.com", "member"),
    ],
)
def test_only_the_local_stack_trusts_an_unverified_admin(
    world: World, stage: str, setting: str, email: str, role: str
) -> None:
    """The demo user is admin locally; a deployed stack waits until the address is verified."""
    settings = {"NIGHTSHIFT_STAGE": stage, "NIGHTSHIFT_ADMIN_EMAIL": setting}
    door = Door(handler=build_accounts_app({**ENVIRON, **settings}, world.outside))
    assert [role] == register(door, email)["user"]["roles"]


def test_building_reads_no_secret(world: World) -> None:
    """Keys are read when first needed."""
    build_accounts_app(ENVIRON, world.outside)
    assert 0 == world.secrets.reads
