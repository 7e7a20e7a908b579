"""Who comes in by a provider, through the routes: known, new, or linked, and who stays out."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from nightshift.core.clock import to_epoch_s
from tests.contract.door import PASSWORD, Answer
from tests.support.accounts import ADA, make_scene
from tests.support.interleave import before_write
from tests.unit.identity.oidc.house import PLACE, House, refused
from tests.unit.identity.oidc.scene import CODE


def test_providers_are_listed() -> None:
    """With where to send the browser; without any, the list is empty."""
    start = {"id": "staff", "name": "Staff", "start_url": f"{PLACE}/start"}
    assert {"items": [start]} == House().door("GET", "/auth/oidc").json
    assert {"items": []} == make_scene().door("GET", "/auth/oidc").json


def test_the_browser_goes_and_comes_back() -> None:
    """By a redirect with a cookie that only this host gets back, by TLS, from no script."""
    house = House()
    answer = house.start()
    assert 302 == answer.status
    assert [f"{PLACE}/callback"] == parse_qs(urlsplit(answer.headers["location"]).query)[
        "redirect_uri"
    ]
    (cookie,) = answer.cookies
    assert re.fullmatch(
        r"__Host-nightshift-oidc-[\w-]{8}=[\w.-]+; Max-Age=600; Path=/; HttpOnly; SameSite=Lax;"
        r" Secure",
        cookie,
    )
    assert "no-store" == answer.headers["cache-control"]
    back = house.finish()
    assert (200, {}) == (back.status, house.jar)
    assert 200 == house.scene.me(back.json).status
    assert 200 == house.scene.refresh(back.json).status


def test_a_browser_without_tls_is_one_of_the_local_stack() -> None:
    """Its cookie needs none, and no other is looked at."""
    house = House(NIGHTSHIFT_PUBLIC_URL="http://127.0.0.1:8787")
    (cookie,) = house.start().cookies
    assert cookie.startswith("nightshift-oidc-")
    assert "Secure" not in cookie
    assert 200 == house.finish().status


def test_over_tls_only_cookies_of_this_host_count() -> None:
    """A neighbour of the domain could have set one without the prefix."""
    house = House()
    house.start()
    house.jar = {name.removeprefix("__Host-"): value for name, value in house.jar.items()}
    assert (400, "oidc_state_invalid") == refused(house.finish())


def test_who_comes_first_gets_an_account() -> None:
    """With the verified address, a welcome, no password, and a trail."""
    house = House()
    answer = house.come()
    user = answer.json["user"]
    assert (ADA, "Ada", True) == (user["email"], user["name"], user["email_verified"])
    assert [ADA] == [mail.to for mail in house.scene.postbox.of("welcome")]
    assert [] == house.scene.postbox.of("verification")
    (act,) = house.scene.trail.of("auth.register")
    assert (user["id"], {"provider": "staff"}) == (act.actor_id, act.detail)
    assert 401 == house.scene.login().status
    assert (401, "invalid_credentials") == refused(house.scene.login(password=" " * 8))


def test_who_came_before_is_known_by_the_subject_alone() -> None:
    """Whatever address and name the provider has today."""
    house = House()
    first = house.come().json["user"]
    for claims in ({"email": "new@example.com"}, {"email_verified": False}, {"email": None}):
        house.idp.userinfo = {"sub": "user-7"}
        again = house.come(**claims)
        assert (200, first["id"], ADA) == (
            again.status,
            again.json["user"]["id"],
            again.json["user"]["email"],
        )
    assert 3 == len(house.scene.trail.of("auth.login"))
    assert 2 == len(house.federated())


def test_another_subject_is_another_person() -> None:
    """Even with the name of somebody who was here."""
    house = House()
    first = house.come().json["user"]["id"]
    other = house.come(sub="user-8", email="grace@example.com").json["user"]["id"]
    assert first != other


def test_an_account_of_the_same_address_is_linked() -> None:
    """When both sides have verified it; the password stays good, and the trail says so."""
    house = House()
    ada = house.scene.verified()
    answer = house.come(email="Ada@Example.com")
    assert (200, ada["user"]["id"]) == (answer.status, answer.json["user"]["id"])
    (act,) = house.scene.trail.of("auth.oidc_link")
    assert (ada["user"]["id"], {"provider": "staff"}) == (act.actor_id, act.detail)
    assert 200 == house.scene.login().status
    assert 200 == house.scene.refresh(ada).status
    house.come()
    assert 1 == len(house.scene.trail.of("auth.oidc_link"))


def test_an_account_that_never_proved_its_address_is_not_linked() -> None:
    """It may be a trap: whoever made it would be in the account of whom it was laid for."""
    house = House()
    mallory = house.scene.register()
    assert (409, "oidc_account_unverified") == refused(house.come())
    assert [] == house.federated()
    token = house.scene.reset_token()
    house.scene.reset(token, "of the owner of the address")
    answer = house.come()
    assert (200, mallory["user"]["id"]) == (answer.status, answer.json["user"]["id"])
    assert 401 == house.scene.me(mallory).status
    assert 401 == house.scene.login(password=PASSWORD).status


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": "no address"},
        {"email": "a@b.example\r\nbcc: c@d.example"},
        {"email": "a" * 300 + "@example.com"},
    ],
    ids=str,
)
def test_an_address_that_the_provider_did_not_verify_lets_nobody_in(claims: dict[str, Any]) -> None:
    """Neither to an account of that address nor to a new one."""
    house = House()
    house.scene.verified()
    house.idp.userinfo = {"sub": "user-7"}
    assert (403, "oidc_email_unverified") == refused(house.come(**claims))
    assert [] == house.federated()


def test_a_provider_whose_word_does_not_link() -> None:
    """Finds the address taken; whoever has no account gets one that verifies by mail."""
    house = House({"links_by_email": False}, NIGHTSHIFT_ADMIN_EMAIL="grace@example.com")
    house.scene.verified()
    assert (409, "email_taken") == refused(house.come())
    grace = house.come(sub="user-8", email="grace@example.com").json["user"]
    assert not grace["email_verified"]
    assert ["member"] == grace["roles"]
    assert "grace@example.com" == house.scene.postbox.latest("verification").to
    assert 204 == house.scene.verify(house.scene.postbox.latest("verification").token).status
    assert 200 == house.come(sub="user-8", email="grace@example.com").status


def test_the_configured_administrator_may_come_by_a_provider() -> None:
    """Whose word verifies the address."""
    house = House(NIGHTSHIFT_ADMIN_EMAIL=ADA)
    assert "admin" in house.come().json["user"]["roles"]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_disabled_account_stays_closed(*, is_known: bool) -> None:
    """Known or to be linked: nobody enters, and the trail notes it."""
    house = House(NIGHTSHIFT_ADMIN_EMAIL="root@example.com")
    house.scene.verified("root@example.com")
    ada = house.scene.verified()
    if is_known:
        house.come()
    before = house.federated()
    path = f"/users/{ada['user']['id']}/disable"
    token = house.scene.login("root@example.com").json["access_token"]
    assert 200 == house.door("POST", path, token=token).status
    assert (403, "account_disabled") == refused(house.come())
    assert before == house.federated()
    assert ["denied"] == [a.outcome for a in house.scene.trail.of("auth.login")][-1:]


def test_while_nobody_may_register_only_known_people_come_in() -> None:
    """By an identity or an address that has an account; newcomers are turned away."""
    house = House(is_open=False)
    assert (403, "registration_closed") == refused(house.come())
    rows = house.scene.world.rows("identity")
    assert [] == [row for row in rows if row["pk"].startswith(("USER#", "OIDC#"))]
    house = House()
    user = house.come().json["user"]["id"]
    closed = make_scene(house.scene.world, sender=house.idp.sender, is_open=False, **house.environ)
    house.door = closed.door
    assert user == house.come().json["user"]["id"]


def test_a_deleted_account_frees_the_way_in() -> None:
    """Whoever comes back is somebody new; nothing of the old account is left."""
    house = House()
    first = house.come()
    assert 204 == house.door("DELETE", "/users/me", token=first.json["access_token"]).status
    assert [] == house.federated()
    again = house.come()
    assert 200 == again.status
    assert first.json["user"]["id"] != again.json["user"]["id"]


def test_a_way_in_whose_account_is_gone_is_free() -> None:
    """Even before the job that clears up has run."""
    house = House()
    first = house.come().json["user"]["id"]
    world = house.scene.world
    for row in world.rows("identity"):
        if row["pk"] == f"USER#{first}" or row["pk"].startswith(("EMAIL#", "DIRECTORY")):
            key = {"pk": {"S": row["pk"]}, "sk": {"S": row["sk"]}}
            world.dynamodb.delete_item(TableName="identity", Key=key)
    again = house.come()
    assert 200 == again.status
    assert first != again.json["user"]["id"]
    assert again.json["user"]["id"] == house.come().json["user"]["id"]


def test_nothing_of_an_answer_is_good_twice() -> None:
    """The cookie is gone with the first; who kept it is told apart, and no second code is used."""
    house = House()
    house.start()
    kept = dict(house.jar)
    assert 200 == house.finish().status
    assert (400, "oidc_state_invalid") == refused(house.finish())
    calls = len(house.idp.sender.requests)
    house.jar = kept
    assert (400, "oidc_state_used") == refused(house.finish(code="another"))
    assert calls == len(house.idp.sender.requests)


def test_two_answers_of_one_flow_at_once_sign_in_once() -> None:
    """Between looking at the cookie and noting the state the same answer came by another way."""
    house = House()
    house.start()
    kept, answers = dict(house.jar), list[Answer]()
    house.scene.world.dynamodb.faults = before_write(
        "identity", lambda: answers.append(house.finish())
    )
    query = {"state": house.state, "code": CODE}
    late = house.door("GET", "/auth/oidc/staff/callback", query=query, cookies=kept)
    assert [200] == [answer.status for answer in answers]
    assert (400, "oidc_state_used") == refused(late)


def test_a_state_is_remembered_longer_than_its_cookie_is_good() -> None:
    """So that it does not matter when the table forgets it; it holds no state in clear."""
    house = House()
    house.start()
    house.finish()
    rows = house.scene.world.rows("identity")
    (row,) = [row for row in rows if row["pk"].startswith("OIDCSTATE#")]
    assert to_epoch_s(house.scene.world.clock.now()) + 600 < row["expires_at"]
    assert house.state not in repr(row)


def test_what_a_provider_says_beside_is_not_read() -> None:
    """Google, Keycloak and others add parameters of their own."""
    house = House()
    house.start()
    assert 200 == house.finish(session_state="x", scope="openid email", hd="example.com").status


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"error": "access_denied", "code": ""}, (403, "oidc_refused")),
        ({"state": "forged"}, (400, "oidc_state_invalid")),
        ({"iss": "https://evil.example.com"}, (400, "oidc_issuer_mismatch")),
        ({"code": "x" * 5000}, (422, "validation_failed")),
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_told_apart(
    said: dict[str, str], expected: tuple[int, str]
) -> None:
    """Each way has its slug, and leaves nobody signed in."""
    house = House()
    house.start()
    assert expected == refused(house.finish(**said))
    assert [] == house.federated()


def test_a_provider_that_nobody_configured_is_404() -> None:
    """On both ways."""
    scene = make_scene()
    for way in ("start", "callback"):
        answer = scene.door("GET", f"/auth/oidc/google/{way}")
        assert (404, "oidc_provider_not_found") == refused(answer)


def test_starts_are_limited_by_address() -> None:
    """Whoever begins flows all day waits; others do not."""
    house = House(NIGHTSHIFT_OIDC_START_LIMIT_ADDRESS="3")
    assert [302, 302, 302, 429] == [house.start().status for _ in range(4)]
    house.door.address = "198.51.100.1"
    assert 302 == house.start().status


def test_the_header_host_has_no_say() -> None:
    """A request with another name in it does not send codes elsewhere."""
    house = House(NIGHTSHIFT_PUBLIC_URL="")
    answer = house.door("GET", "/auth/oidc/staff/start", headers={"host": "evil.example.com"})
    assert "evil" not in answer.headers["location"]


def test_two_answers_at_once_make_one_account() -> None:
    """Two browsers of one new person: the second finds what the first has made."""
    house = House()
    house.start()
    state, jar, nonce = house.state, dict(house.jar), house.idp.nonce
    house.start()
    first = house.finish().json["user"]["id"]
    house.state, house.jar, house.idp.nonce = state, jar, nonce
    assert first == house.finish().json["user"]["id"]
    assert 2 == len(house.federated())


def test_no_subject_is_stored_or_logged() -> None:
    """The table holds a hash of it; logs and mails nothing at all."""
    house = House()
    house.come(sub="a-subject-to-look-for")
    everything = repr(house.scene.world.rows("identity")) + house.scene.world.logged.getvalue()
    everything += repr(house.scene.postbox.sent) + repr(house.scene.trail.acts)
    assert "a-subject-to-look-for" not in everything
    assert CODE not in everything


def test_one_person_who_comes_twice_at_one_moment_has_one_account() -> None:
    """Between looking and writing the same subject came in elsewhere, by another address."""
    house = House()
    postbox, meanwhile = house.scene.postbox, list[Answer]()
    send = postbox.send

    def after_another(**letter: Any) -> None:
        postbox.send = send  # type: ignore[method-assign]  # once
        nonce, state, jar = house.idp.nonce, house.state, dict(house.jar)
        meanwhile.append(house.come(email="grace@example.com"))
        house.idp.nonce, house.state, house.jar = nonce, state, jar
        send(**letter)

    postbox.send = after_another  # type: ignore[method-assign]  # somebody is faster
    answer = house.come()
    assert (200, 200) == (answer.status, meanwhile[0].status)
    assert meanwhile[0].json["user"]["id"] == answer.json["user"]["id"]
    assert "grace@example.com" == answer.json["user"]["email"]
    assert (401, "invalid_credentials") == refused(house.scene.login(ADA))
    assert 2 == len(house.federated())
