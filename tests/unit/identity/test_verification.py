"""Verifying addresses, through the HTTP door."""

import pytest

from tests.contract.door import PASSWORD
from tests.support.accounts import ADA, Scene, make_scene
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def test_registering_mails_a_link(scene: Scene) -> None:
    """It goes to the address, in one transaction with the account, and is good for a day."""
    ada = scene.register()
    (mail,) = scene.postbox.sent
    assert (ADA, "verification", ada["user"]["id"], "2026-11-23T12:00:00Z") == (
        mail.to,
        mail.template,
        mail.user_id,
        mail.data["expires_at"],
    )
    assert mail.data["link"] == f"https://nightshift.example/verify-email?token={mail.token}"
    assert not ada["user"]["email_verified"]


def test_the_link_verifies_the_address(scene: Scene) -> None:
    """The user sees it at once, and is welcome."""
    ada = scene.verified()
    me = scene.me(ada).json
    assert (True, 2) == (me["email_verified"], me["version"])
    assert ADA == scene.postbox.latest("welcome").to


def test_a_link_is_good_once(scene: Scene) -> None:
    """A second use is refused, and there is one welcome."""
    scene.verified()
    again = scene.verify(scene.postbox.latest("verification").token)
    assert (400, "link_used", 1) == (again.status, again.error, len(scene.postbox.of("welcome")))


def test_links_expire(scene: Scene) -> None:
    """After a day, to the second."""
    ada = scene.register()
    scene.world.clock.advance(seconds=86_400)
    answer = scene.verify(scene.postbox.latest("verification").token)
    assert (400, "link_expired") == (answer.status, answer.error)
    assert not scene.login().json["user"]["email_verified"]
    assert ada["user"]["id"] in {a.subject.removeprefix("user:") for a in scene.trail.acts
                                 if a.action == "email.verify" and a.subject}  # fmt: skip


def test_a_link_can_be_asked_for_again(scene: Scene) -> None:
    """Older links stay good, since mail may be slow; the first that is used ends it."""
    ada = scene.register()
    answer = scene.door("POST", "/auth/verify-email/resend", token=ada["access_token"])
    first, second = scene.postbox.of("verification")
    assert (202, True) == (answer.status, first.token != second.token)
    assert 204 == scene.verify(first.token).status
    again = scene.door("POST", "/auth/verify-email/resend", token=ada["access_token"])
    assert (409, "email_already_verified") == (again.status, again.error)


def test_asking_again_is_limited(scene: Scene) -> None:
    """Three mails, then one a minute and ever more slowly."""
    ada = scene.register()

    def resend() -> int:
        return scene.door("POST", "/auth/verify-email/resend", token=ada["access_token"]).status

    assert [202, 202, 202, 429] == [resend() for _ in range(4)]
    scene.world.clock.advance(seconds=60)
    assert [202, 429] == [resend() for _ in range(2)]


def test_a_link_belongs_to_its_user(scene: Scene) -> None:
    """Verifying one address verifies no other."""
    ada, bob = scene.register(), scene.register("bob@example.com")
    scene.verify(scene.postbox.latest("verification").token)
    assert (False, True) == (
        scene.me(ada).json["email_verified"],
        scene.me(bob).json["email_verified"],
    )


def test_a_lost_answer_verifies_once(scene: Scene) -> None:
    """A repeated transaction knows its own write again."""
    scene.register()
    token = scene.postbox.latest("verification").token
    plan = scene.world.dynamodb.faults = FaultPlan()
    scene.verify("nsv_" + "A" * 64)
    scene.world.dynamodb.faults = FaultPlan({plan.calls + 1: Fault(mode=FaultMode.ANSWER_LOST)})
    assert 204 == scene.verify(token).status


def test_a_crash_loses_neither_account_nor_link(scene: Scene) -> None:
    """Wherever registration dies, a repeat with the key gives an account whose link was mailed."""
    body = {"email": ADA, "password": PASSWORD, "name": "Ada"}
    headers = {"idempotency-key": "once"}
    for ordinal in range(1, 8):
        for mode in (FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER):
            scene = make_scene()
            scene.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
            try:
                answer = scene.door("POST", "/auth/register", json_body=body, headers=headers)
            except CrashError:
                scene.world.dynamodb.faults = None
                scene.world.clock.advance(seconds=36)
                answer = scene.door("POST", "/auth/register", json_body=body, headers=headers)
            scene.world.dynamodb.faults = None
            assert 201 == answer.status
            links = [r for r in scene.world.rows("identity") if r["sk"].startswith("LINK#")]
            assert 1 == len(links)


@pytest.mark.parametrize(
    ("email", "roles"),
    [
        ("boss@example.com", ["admin", "member"]),
        ("Boss@Example.com", ["admin", "member"]),
        ("ada@example.com", ["member"]),
    ],
)
def test_the_configured_address_is_admin_once_verified(email: str, roles: list[str]) -> None:
    """In a deployed stack the first administrator is who reads mail at the address."""
    scene = make_scene(NIGHTSHIFT_STAGE="prod", NIGHTSHIFT_ADMIN_EMAIL="boss@example.com")
    tokens = scene.register(email)
    assert ["member"] == tokens["user"]["roles"]
    scene.verify(scene.postbox.latest("verification").token)
    assert roles == scene.me(tokens).json["roles"]


def test_a_reset_verifies_and_promotes_too() -> None:
    """Whoever sets a password by mail reads mail at the address."""
    scene = make_scene(NIGHTSHIFT_STAGE="prod", NIGHTSHIFT_ADMIN_EMAIL="boss@example.com")
    scene.register("boss@example.com")
    scene.reset(scene.reset_token("boss@example.com"), "another long phrase")
    user = scene.login("boss@example.com", "another long phrase").json["user"]
    assert (["admin", "member"], True) == (user["roles"], user["email_verified"])
    assert ["configured"] == [a.detail["why"] for a in scene.trail.of("user.roles_changed")]


def test_who_was_verified_before_is_promoted_at_sign_in() -> None:
    """The address may be configured after its user was verified."""
    before = make_scene(NIGHTSHIFT_STAGE="prod")
    before.verified("boss@example.com")
    after = make_scene(
        before.world, NIGHTSHIFT_STAGE="prod", NIGHTSHIFT_ADMIN_EMAIL="boss@example.com"
    )
    assert "admin" in after.login("boss@example.com").json["user"]["roles"]


def test_an_unverified_user_of_the_address_is_no_admin() -> None:
    """Who only says to have the address gets nothing by it, at sign-in neither."""
    scene = make_scene(NIGHTSHIFT_STAGE="prod", NIGHTSHIFT_ADMIN_EMAIL="boss@example.com")
    scene.register("boss@example.com")
    assert ["member"] == scene.login("boss@example.com").json["user"]["roles"]
