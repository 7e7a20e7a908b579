"""Changing, forgetting and resetting passwords, through the HTTP door."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.core.environment import SettingsError
from nightshift.identity.model import NOBODY
from tests.contract.door import PASSWORD
from tests.support.accounts import ADA, Scene, make_scene
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan

NEW = "another long phrase"


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def test_a_password_is_changed_by_the_current_one(scene: Scene) -> None:
    """Afterwards the new one signs in and the old one does not."""
    ada = scene.register()
    assert 204 == scene.change(ada, PASSWORD, NEW).status
    assert (401, 200) == (scene.login().status, scene.login(password=NEW).status)


def test_changing_ends_the_other_sessions(scene: Scene) -> None:
    """This session goes on, with both of its tokens; the others are over."""
    ada, other = scene.register(), scene.login().json
    scene.change(ada, PASSWORD, NEW)
    assert (200, 401) == (scene.me(ada).status, scene.me(other).status)
    assert (200, "token_revoked") == (scene.refresh(ada).status, scene.refresh(other).error)


def test_a_refresh_under_way_survives_the_change(scene: Scene) -> None:
    """A client that refreshes while the password changes is not signed out."""
    ada = scene.register()

    def change() -> None:
        scene.world.dynamodb.faults = None
        assert 204 == scene.change(ada, PASSWORD, NEW).status

    scene.world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.DELAY, action=change)})
    tokens = scene.refresh(ada)
    assert (200, 200) == (tokens.status, scene.me(tokens.json).status)


def test_the_wrong_current_password_changes_nothing(scene: Scene) -> None:
    """It is refused as a bad credential, and guessing it is slowed down as at sign-in."""
    ada = scene.register()
    answers = [scene.change(ada, f"wrong password {n}", NEW) for n in range(6)]
    assert [401] * 5 + [429] == [a.status for a in answers]
    assert "invalid_credentials" == answers[0].error
    scene.world.clock.advance(seconds=1)
    assert (200, 200) == (scene.me(ada).status, scene.login().status)


@pytest.mark.parametrize(
    "password",
    ["short67", "x" * 129, "password", "iloveyou1", ADA, "Ada\x00Lovelace", "NightShift1!"],
)
def test_a_bad_new_password_changes_nothing(scene: Scene, password: str) -> None:
    """The field at fault is named, in changing and in resetting, and the link stays good."""
    ada = scene.register()
    changed = scene.change(ada, PASSWORD, password)
    token = scene.reset_token()
    reset = scene.reset(token, password)
    assert (422, "new_password") == (changed.status, changed.json["errors"][0]["field"])
    assert (422, "password") == (reset.status, reset.json["errors"][0]["field"])
    assert (200, 204) == (scene.login().status, scene.reset(token, NEW).status)


def test_a_forgotten_password_is_reset_by_mail(scene: Scene) -> None:
    """The mailed link ends in its token; every session is over, and the address is verified."""
    ada, other = scene.register(), scene.login().json
    token = scene.reset_token()
    mail = scene.postbox.latest("reset")
    assert (ADA, f"https://nightshift.example/reset-password?token={token}") == (
        mail.to,
        mail.data["link"],
    )
    assert 204 == scene.reset(token, NEW).status
    assert [401, 401] == [scene.me(tokens).status for tokens in (ada, other)]
    assert ["token_revoked"] * 2 == [scene.refresh(t).error for t in (ada, other)]
    signed_in = scene.login(password=NEW)
    assert (200, True) == (signed_in.status, signed_in.json["user"]["email_verified"])
    assert 401 == scene.login().status


def test_a_link_is_good_once(scene: Scene) -> None:
    """Used again, it changes nothing."""
    scene.register()
    token = scene.reset_token()
    scene.reset(token, NEW)
    again = scene.reset(token, "a third long phrase")
    assert (400, "link_used", 200) == (again.status, again.error, scene.login(password=NEW).status)


def test_of_many_uses_at_once_one_wins(scene: Scene) -> None:
    """Ten parallel resets with one link set one password."""
    scene.register()
    token = scene.reset_token()
    phrases = [f"long phrase number {n}" for n in range(10)]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda phrase: scene.reset(token, phrase), phrases))
    (winner,) = [n for n, a in enumerate(answers) if a.status == 204]
    assert {"link_used"} == {a.error for a in answers if a.status != 204}
    assert 200 == scene.login(password=phrases[winner]).status


def test_a_new_password_voids_every_link_of_before(scene: Scene) -> None:
    """Two links are good beside each other; using one, or changing the password, ends the other."""
    ada = scene.register()
    first, second = scene.reset_token(), scene.reset_token()
    scene.reset(second, NEW)
    assert "link_void" == scene.reset(first, PASSWORD + "!").error
    third = scene.reset_token()
    ada = scene.login(password=NEW).json
    scene.change(ada, NEW, PASSWORD)
    assert ("link_void", 200) == (scene.reset(third, NEW).error, scene.login().status)


def test_links_expire(scene: Scene) -> None:
    """Half an hour by default, to the second."""
    scene.register()
    token = scene.reset_token()
    scene.world.clock.advance(seconds=1799)
    late = scene.reset_token()
    assert 204 == scene.reset(token, NEW).status
    fresh = scene.reset_token()
    scene.world.clock.advance(seconds=1800)
    assert ["link_expired"] * 2 == [scene.reset(t, PASSWORD).error for t in (fresh, late)]


def test_an_expired_link_that_was_deleted_is_unknown(scene: Scene) -> None:
    """The table's own deletion changes only the slug."""
    scene.register()
    token = scene.reset_token()
    scene.world.clock.advance(seconds=1800 + 86_400 + 1)
    assert "link_expired" == scene.reset(token, NEW).error
    scene.world.dynamodb.expire(scene.world.clock.now())
    assert "link_unknown" == scene.reset(token, NEW).error


@pytest.mark.parametrize("seconds", ["599", "3601"])
def test_the_lifetime_has_bounds(seconds: str) -> None:
    """Ten minutes to one hour."""
    with pytest.raises(SettingsError, match="between 600 and 3600"):
        make_scene(NIGHTSHIFT_RESET_LINK_TTL_S=seconds)


@pytest.mark.parametrize(
    ("token", "slug"),
    [
        ("x", "link_malformed"),
        ("nsp_", "link_malformed"),
        ("nsp_!!", "link_malformed"),
        ("nsp_" + "A" * 63, "link_malformed"),
        ("nsp_" + "A" * 65, "link_malformed"),
        ("nsp_" + "A" * 64, "link_unknown"),
        ("nsv_" + "A" * 64, "link_wrong_type"),
    ],
)
def test_what_is_no_link_says_so(scene: Scene, token: str, slug: str) -> None:
    """Each way to be wrong has its own slug and its own line in the log."""
    scene.register()
    answer = scene.reset(token, NEW)
    assert (400, slug) == (answer.status, answer.error)
    assert 200 == scene.login().status


def test_a_link_of_one_kind_does_not_do_the_other(scene: Scene) -> None:
    """The link that verifies an address sets no password, whatever its prefix is made to say."""
    scene.register()
    token = scene.postbox.latest("verification").token
    assert "link_wrong_type" == scene.reset(token, NEW).error
    assert "link_unknown" == scene.reset("nsp_" + token[4:], NEW).error


def test_a_link_does_not_outlive_its_user(scene: Scene) -> None:
    """A deleted account cannot be reset; a new one of the address has nothing to do with it."""
    ada = scene.register()
    token = scene.reset_token()
    scene.door("DELETE", "/users/me", token=ada["access_token"])
    assert "link_unknown" == scene.reset(token, NEW).error
    scene.register()
    assert ("link_unknown", 200) == (scene.reset(token, NEW).error, scene.login().status)


def test_a_lost_answer_resets_once(scene: Scene) -> None:
    """When the client library repeats the transaction, the request knows its own write again."""
    scene.register()
    token = scene.reset_token()
    plan = scene.world.dynamodb.faults = FaultPlan()
    scene.reset("nsp_" + "A" * 64, NEW)
    read = plan.calls
    lost = Fault(mode=FaultMode.ANSWER_LOST)
    scene.world.dynamodb.faults = FaultPlan({read + 1: lost})
    assert 204 == scene.reset(token, NEW).status
    assert 200 == scene.login(password=NEW).status


def test_a_crash_leaves_the_link_or_the_new_password(scene: Scene) -> None:
    """Wherever the process dies, the link is still good or the new password is set."""
    for ordinal in range(1, 12):
        for mode in (FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER):
            scene = make_scene()
            scene.register()
            token = scene.reset_token()
            scene.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
            try:
                assert 204 == scene.reset(token, NEW).status
            except CrashError:
                scene.world.dynamodb.faults = None
                assert scene.reset(token, NEW).status in {204, 400}
            scene.world.dynamodb.faults = None
            assert 200 == scene.login(password=NEW).status


def test_a_change_of_the_profile_meanwhile_is_no_obstacle(scene: Scene) -> None:
    """A reset that meets another change of the user looks again."""
    ada = scene.register()
    token = scene.reset_token()

    def rename() -> None:
        scene.world.dynamodb.faults = None
        body = {"name": "Bea"}
        scene.door("PATCH", "/users/me", json_body=body, token=ada["access_token"])

    scene.world.dynamodb.faults = FaultPlan({2: Fault(mode=FaultMode.DELAY, action=rename)})
    assert 204 == scene.reset(token, NEW).status
    assert "Bea" == scene.login(password=NEW).json["user"]["name"]


def test_known_and_unknown_are_answered_alike(scene: Scene) -> None:
    """Nobody learns from asking for a new password whether an address has an account."""
    scene.register()
    known, unknown = scene.forgot(), scene.forgot("eve@example.com")
    assert (known.status, known.text) == (unknown.status, unknown.text)
    assert set(known.headers.items()) - {("x-request-id", known.headers["x-request-id"])} == set(
        unknown.headers.items()
    ) - {("x-request-id", unknown.headers["x-request-id"])}


def test_known_and_unknown_cost_the_same(scene: Scene) -> None:
    """Both read and write the same, byte by byte, and both mail."""
    scene.register()
    costs = []
    for email in (ADA, "eve@example.com"):
        plan = scene.world.dynamodb.faults = FaultPlan()
        scene.forgot(email)
        costs.append([(seen.operation, len(repr(seen.request))) for seen in plan.seen])
    assert costs[0] == costs[1]
    known, unknown = scene.postbox.of("reset")
    assert known.data.keys() == unknown.data.keys()
    assert len(known.token) == len(unknown.token)


def test_an_unknown_address_gets_a_link_that_opens_nothing(scene: Scene) -> None:
    """The mail that is made for nobody names a user that does not exist, so it is not sent."""
    ada = scene.register()
    scene.forgot("eve@example.com")
    decoy = scene.postbox.latest("reset")
    assert ada["user"]["id"] != decoy.user_id
    assert "link_unknown" == scene.reset(decoy.token, NEW).error
    assert [] == [r for r in scene.world.rows("identity") if r.get("user_id") == decoy.user_id
                  and r["sk"] == "PROFILE"]  # fmt: skip


def test_a_disabled_user_gets_no_link(scene: Scene) -> None:
    """Who is locked out by an administrator is unknown here."""
    ada = scene.register()
    token = scene.reset_token()
    scene.world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": f"USER#{ada['user']['id']}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET disabled = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    assert 202 == scene.forgot().status
    assert ada["user"]["id"] != scene.postbox.latest("reset").user_id
    assert "link_unknown" == scene.reset(token, NEW).error


@pytest.mark.parametrize("email", [ADA, "eve@example.com"])
def test_mails_to_one_address_are_limited(scene: Scene, email: str) -> None:
    """Three at once, then a minute, doubling; known or not."""
    scene.register()
    assert [202, 202, 202, 429] == [scene.forgot(email).status for _ in range(4)]
    waits = []
    for _ in range(6):
        waits.append(int(scene.forgot(email).headers["retry-after"]))
        scene.world.clock.advance(seconds=waits[-1])
        assert 202 == scene.forgot(email).status
    assert [60, 120, 240, 480, 900, 900] == waits


def test_asking_is_limited_by_address(scene: Scene) -> None:
    """One client asks for only so many in an hour, whoever for."""
    scene = make_scene(NIGHTSHIFT_FORGOT_LIMIT_ADDRESS="2")
    statuses = [scene.forgot(f"a{n}@example.com").status for n in range(3)]
    assert [202, 202, 429] == statuses


def test_only_verified_addresses_are_told_of_a_new_password(scene: Scene) -> None:
    """An address that was never verified may be a stranger's, who gets no notices."""
    ada = scene.register()
    scene.change(ada, PASSWORD, NEW)
    assert [] == scene.postbox.of("password_changed")
    scene.verify(scene.postbox.latest("verification").token)
    scene.change(ada, NEW, PASSWORD)
    told = scene.postbox.latest("password_changed")
    assert (ADA, "203.0.113.7") == (told.to, told.data["address"])


def test_every_act_is_noted(scene: Scene) -> None:
    """Changes, refusals and requests are on the trail, with who, from where and how it ended."""
    ada = scene.register()
    user_id = ada["user"]["id"]
    scene.change(ada, "wrong password", NEW)
    scene.change(ada, PASSWORD, NEW)
    scene.forgot("eve@example.com")
    token = scene.reset_token()
    scene.reset(token, PASSWORD)
    scene.reset(token, PASSWORD)
    acts = [a for a in scene.trail.acts if a.action.startswith("password.")]
    assert [
        ("password.change", user_id, f"user:{user_id}", "failure"),
        ("password.change", user_id, f"user:{user_id}", "success"),
        ("password.reset_request", None, f"user:{NOBODY}", "failure"),
        ("password.reset_request", None, f"user:{user_id}", "success"),
        ("password.reset", user_id, f"user:{user_id}", "success"),
        ("password.reset", None, f"user:{user_id}", "failure"),
    ] == [(a.action, a.actor_id, a.subject, a.outcome) for a in acts]
    assert {"203.0.113.7"} == {a.address for a in acts}
    assert {"error": "link_used"} == acts[-1].detail


def test_links_lead_to_the_gateways_own_name(scene: Scene) -> None:
    """Without a configured address, what a client puts into Host does not move the link."""
    scene = make_scene(NIGHTSHIFT_PUBLIC_URL="")
    event = {
        "rawPath": "/api/v1/auth/password/forgot",
        "headers": {
            "host": "evil.example",
            "x-forwarded-host": "evil.example",
            "content-type": "application/json",
        },
        "requestContext": {
            "domainName": "api.nightshift.example",
            "http": {"method": "POST", "sourceIp": "203.0.113.7"},
        },
        "body": '{"email": "ada@example.com"}',
    }
    assert 202 == scene.door.handler(event, None)["statusCode"]
    link = scene.postbox.latest("reset").data["link"]
    assert link.startswith("https://api.nightshift.example/reset-password?token=")


@pytest.mark.parametrize("url", ["nightshift.example", "https://a.example/", "https://a.example?x"])
def test_a_public_address_that_is_none_does_not_start(url: str) -> None:
    """A bad value stops the start and says what would be right."""
    with pytest.raises(SettingsError, match=r"https://nightshift\.example\.com"):
        make_scene(NIGHTSHIFT_PUBLIC_URL=url)
