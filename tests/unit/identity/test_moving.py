"""Moving to another address, through the HTTP door."""

from typing import Any

import pytest

from tests.contract.door import PASSWORD, Answer
from tests.support.accounts import ADA, Scene, make_scene
from tests.support.faults import FaultPlan

NEW = "ada@elsewhere.example"


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def move(scene: Scene, ada: dict[str, Any], email: str = NEW, password: str = PASSWORD) -> Answer:
    """Ask to move."""
    return scene.door(
        "POST",
        "/users/me/email",
        json_body={"email": email, "current_password": password},
        token=ada["access_token"],
    )


def test_the_new_address_counts_once_it_is_verified(scene: Scene) -> None:
    """Until then the old one does; afterwards it is anybody's."""
    ada = scene.verified()
    assert 202 == move(scene, ada).status
    before = scene.me(ada).json
    assert (ADA, NEW, True) == (before["email"], before["pending_email"], before["email_verified"])
    assert (200, 401) == (scene.login().status, scene.login(NEW).status)
    mail = scene.postbox.latest("verification")
    assert (NEW, 204) == (mail.to, scene.verify(mail.token).status)
    after = scene.me(ada).json
    assert (NEW, None, True) == (after["email"], after["pending_email"], after["email_verified"])
    assert (401, 200) == (scene.login().status, scene.login(NEW).status)
    assert ada["user"]["id"] != scene.register()["user"]["id"]


def test_it_takes_the_password(scene: Scene) -> None:
    """Whoever found an open session cannot take the account away with it."""
    ada = scene.verified()
    answers = [move(scene, ada, password=f"wrong password {n}") for n in range(6)]
    assert [401] * 5 + [429] == [a.status for a in answers]
    assert scene.me(ada).json["pending_email"] is None
    assert 1 == len(scene.postbox.of("verification"))


def test_an_address_that_is_taken_is_answered_alike(scene: Scene) -> None:
    """Nobody learns who has an account; the link that is made opens nothing."""
    ada, bob = scene.verified(), scene.register("bob@example.com")
    free = move(scene, ada)
    taken = move(scene, ada, "bob@example.com")
    assert (free.status, free.text) == (taken.status, taken.text)
    decoy = scene.postbox.latest("verification")
    assert decoy.user_id not in {ada["user"]["id"], bob["user"]["id"]}
    assert "link_unknown" == scene.verify(decoy.token).error
    assert ADA == scene.me(ada).json["email"]


def test_a_taken_address_costs_the_same(scene: Scene) -> None:
    """Both read and write the same."""
    ada = scene.verified()
    scene.register("bob@example.com")
    costs = []
    for email in ("eve@example.com", "bob@example.com"):
        plan = scene.world.dynamodb.faults = FaultPlan()
        move(scene, ada, email)
        costs.append(plan.operations())
    assert costs[0] == costs[1]


def test_an_address_that_is_taken_meanwhile_stays_with_its_user(scene: Scene) -> None:
    """Between asking and using the link somebody else may have registered."""
    ada = scene.verified()
    move(scene, ada)
    token = scene.postbox.latest("verification").token
    scene.register(NEW)
    answer = scene.verify(token)
    assert (409, "email_taken") == (answer.status, answer.error)
    assert ADA == scene.me(ada).json["email"]


def test_a_second_wish_voids_the_first(scene: Scene) -> None:
    """A link to an address that was a slip cannot take the account there later."""
    ada = scene.verified()
    move(scene, ada, "slip@elsewhere.example")
    slip = scene.postbox.latest("verification").token
    move(scene, ada)
    assert "link_void" == scene.verify(slip).error
    assert 204 == scene.verify(scene.postbox.latest("verification").token).status
    assert NEW == scene.me(ada).json["email"]


def test_ones_own_address_takes_it_back(scene: Scene) -> None:
    """The link that was mailed is then void."""
    ada = scene.verified()
    move(scene, ada)
    assert 202 == move(scene, ada, ADA.upper()).status
    assert scene.me(ada).json["pending_email"] is None
    assert "link_void" == scene.verify(scene.postbox.latest("verification").token).error


def test_links_to_the_old_address_are_void(scene: Scene) -> None:
    """Whoever reads mail there can no longer set a password."""
    ada = scene.verified()
    reset = scene.reset_token()
    move(scene, ada)
    scene.verify(scene.postbox.latest("verification").token)
    assert "link_void" == scene.reset(reset, "another long phrase").error


def test_a_link_can_be_asked_for_again(scene: Scene) -> None:
    """It goes to the new address."""
    ada = scene.verified()
    move(scene, ada)
    scene.door("POST", "/auth/verify-email/resend", token=ada["access_token"])
    assert NEW == scene.postbox.latest("verification").to


def test_an_unverified_user_can_move(scene: Scene) -> None:
    """Whoever mistyped the address at registration puts it right, and either link is good."""
    ada = scene.register()
    first = scene.postbox.latest("verification").token
    move(scene, ada)
    assert 204 == scene.verify(first).status
    assert (ADA, NEW) == (scene.me(ada).json["email"], scene.me(ada).json["pending_email"])
    assert 204 == scene.verify(scene.postbox.latest("verification").token).status
    assert NEW == scene.me(ada).json["email"]


def test_moving_is_noted(scene: Scene) -> None:
    """The wish and the move are on the trail, without the address."""
    ada = scene.verified()
    move(scene, ada)
    scene.verify(scene.postbox.latest("verification").token)
    acts = [a for a in scene.trail.acts if a.action.startswith("email.change")]
    assert ["email.change_request", "email.change"] == [a.action for a in acts]
    assert "example" not in repr(acts)
