"""Administering users, through the HTTP door."""

from typing import Any

import pytest

from tests.contract.door import Answer
from tests.support.accounts import ADA, Scene, make_scene

ROOT = "root@example.com"


@pytest.fixture
def scene() -> Scene:
    return make_scene(NIGHTSHIFT_ADMIN_EMAIL=ROOT)


@pytest.fixture
def root(scene: Scene) -> dict[str, Any]:
    """The administrator."""
    return scene.register(ROOT)


def act(
    scene: Scene,
    by: dict[str, Any],
    method: str,
    path: str,
    **headers: str,
) -> Answer:
    """Do something to a user."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return scene.door(method, path, token=by["access_token"], headers=sent)


def test_users_are_listed_by_address(scene: Scene, root: dict[str, Any]) -> None:
    """Page by page, each once."""
    for name in ("d", "b", "a", "c"):
        scene.register(f"{name}@example.com")
    query, seen = {"limit": "2"}, []
    while True:
        page = scene.door("GET", "/users", query=query, token=root["access_token"]).json
        seen += [user["email"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [f"{n}@example.com" for n in ("a", "b", "c", "d")] + [ROOT] == seen


@pytest.mark.parametrize(
    ("begins", "found"),
    [
        ("ada", ["ada@example.com", "adam@example.com"]),
        ("ADA@", ["ada@example.com"]),
        ("b", ["bob@example.com"]),
        ("example", []),
        ("%", []),
    ],
)
def test_users_are_found_by_how_their_address_begins(
    scene: Scene, root: dict[str, Any], begins: str, found: list[str]
) -> None:
    """Case makes no difference."""
    for name in ("ada", "bob", "adam"):
        scene.register(f"{name}@example.com")
    query = {"email": begins}
    page = scene.door("GET", "/users", query=query, token=root["access_token"]).json
    assert found == [user["email"] for user in page["items"]]


def test_the_list_follows_the_users(scene: Scene, root: dict[str, Any]) -> None:
    """Who moved is listed under the new address, and who is gone not at all."""
    ada, bob = scene.register(), scene.register("bob@example.com")
    body = {"email": "zoe@example.com", "current_password": "correct horse battery"}
    scene.door("POST", "/users/me/email", json_body=body, token=ada["access_token"])
    scene.verify(scene.postbox.latest("verification").token)
    scene.door("DELETE", "/users/me", token=bob["access_token"])
    page = scene.door("GET", "/users", token=root["access_token"]).json
    assert [ROOT, "zoe@example.com"] == [user["email"] for user in page["items"]]


def test_a_list_reads_no_more_than_it_shows(scene: Scene, root: dict[str, Any]) -> None:
    """No Scan, and as many items as are asked for and one."""
    for number in range(30):
        scene.register(f"user{number:02}@example.com")
    plan = scene.world.dynamodb.faults = _plan()
    query = {"limit": "5", "email": "user"}
    page = scene.door("GET", "/users", query=query, token=root["access_token"]).json
    (asked,) = [s.request for s in plan.seen if s.operation == "Query"]
    assert (5, 6, False) == (len(page["items"]), asked["Limit"], "Scan" in plan.operations())


def _plan() -> Any:
    from tests.support.faults import FaultPlan  # noqa: PLC0415 - for its type alone

    return FaultPlan()


def test_a_disabled_user_is_out_and_stays_out(scene: Scene, root: dict[str, Any]) -> None:
    """At once, for every token; let in again, the user signs in anew."""
    ada = scene.register()
    path = f"/users/{ada['user']['id']}"
    disabled = act(scene, root, "POST", f"{path}/disable")
    assert (200, True, '"2"') == (
        disabled.status,
        disabled.json["disabled"],
        disabled.headers["etag"],
    )
    assert (401, 401, 403) == (
        scene.me(ada).status,
        scene.refresh(ada).status,
        scene.login().status,
    )
    assert not act(scene, root, "POST", f"{path}/enable").json["disabled"]
    assert (401, 401, 200) == (
        scene.me(ada).status,
        scene.refresh(ada).status,
        scene.login().status,
    )


def test_doing_it_twice_is_doing_it_once(scene: Scene, root: dict[str, Any]) -> None:
    """A second time changes no version."""
    path = f"/users/{scene.register()['user']['id']}"
    versions = [
        act(scene, root, "POST", f"{path}/{word}").json["version"]
        for word in ("enable", "disable", "disable", "enable", "enable")
    ]
    assert [1, 2, 2, 3, 3] == versions


def test_all_sessions_of_a_user_can_be_ended(scene: Scene, root: dict[str, Any]) -> None:
    """The user signs in again."""
    ada, other = scene.register(), scene.login().json
    answer = act(scene, root, "POST", f"/users/{ada['user']['id']}/logout")
    assert (204, 401, 401, 200) == (
        answer.status,
        scene.me(ada).status,
        scene.me(other).status,
        scene.login().status,
    )


def test_a_user_can_be_deleted(scene: Scene, root: dict[str, Any]) -> None:
    """As the user could; the address is free."""
    ada = scene.register()
    answer = act(scene, root, "DELETE", f"/users/{ada['user']['id']}")
    assert (204, 401, 401) == (answer.status, scene.me(ada).status, scene.login().status)
    assert 404 == act(scene, root, "GET", f"/users/{ada['user']['id']}").status
    assert scene.register()["user"]["id"] != ada["user"]["id"]


def test_versions_are_honoured(scene: Scene, root: dict[str, Any]) -> None:
    """What an administrator looked at is what is changed."""
    path = f"/users/{scene.register()['user']['id']}"
    stale = [
        act(scene, root, method, path + tail, if_match='"7"').status
        for method, tail in (("POST", "/disable"), ("POST", "/enable"), ("DELETE", ""))
    ]
    assert [412] * 3 == stale
    assert 200 == act(scene, root, "POST", f"{path}/disable", if_match='"1"').status


def test_nobody_locks_the_own_account(scene: Scene, root: dict[str, Any]) -> None:
    """That takes another administrator; signing oneself out is fine."""
    path = f"/users/{root['user']['id']}"
    answers = [
        act(scene, root, method, path + tail)
        for method, tail in (("POST", "/disable"), ("DELETE", ""))
    ]
    assert [(409, "own_account")] * 2 == [(a.status, a.error) for a in answers]
    assert 204 == act(scene, root, "POST", f"{path}/logout").status


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("POST", "/disable"), ("POST", "/enable"), ("POST", "/logout"), ("DELETE", "")],
)
def test_who_is_not_there_is_not_found(
    scene: Scene, root: dict[str, Any], method: str, tail: str
) -> None:
    """An unknown id is 404; so is one that is no id."""
    for name in ("0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e", "ada"):
        assert 404 == act(scene, root, method, f"/users/{name}{tail}").status


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", "/users"), ("GET", ""), ("POST", "/disable"), ("POST", "/logout"), ("DELETE", "")],
)
def test_members_administer_nobody(
    scene: Scene, root: dict[str, Any], method: str, tail: str
) -> None:
    """Not even themselves."""
    ada = scene.register()
    path = tail if tail == "/users" else f"/users/{ada['user']['id']}{tail}"
    assert (403, 200) == (act(scene, ada, method, path).status, scene.me(ada).status)


def test_acts_of_administrators_are_noted(scene: Scene, root: dict[str, Any]) -> None:
    """Who did it, and to whom."""
    ada = scene.register(ADA)
    path = f"/users/{ada['user']['id']}"
    for method, tail in (
        ("POST", "/disable"), ("POST", "/enable"), ("POST", "/logout"), ("DELETE", "")
    ):  # fmt: skip
        act(scene, root, method, path + tail)
    acts = [a for a in scene.trail.acts if a.action.startswith("user.")]
    assert ["user.disable", "user.enable", "user.sign_out", "user.delete"] == [
        a.action for a in acts
    ]
    assert {(root["user"]["id"], f"user:{ada['user']['id']}")} == {
        (a.actor_id, a.subject) for a in acts
    }
