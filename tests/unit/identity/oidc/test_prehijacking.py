"""Accounts that a stranger made for somebody else's address, before its owner came.

The five ways of Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022), each tried
to its end: the stranger must have nothing left once the owner of the address is in.
"""

from typing import Any

import pytest

from tests.contract.door import PASSWORD, Answer
from tests.support.accounts import ADA, Scene
from tests.unit.identity.oidc.house import House, refused

OWNERS = "of the owner of the address"
STRANGER = "mallory@example.com"


def reset(scene: Scene) -> str:
    """Have the owner of the address set a password by mail, and return an access token."""
    scene.world.clock.advance(seconds=1)
    assert 204 == scene.reset(scene.reset_token(), OWNERS).status
    return str(scene.login(password=OWNERS).json["access_token"])


def test_a_password_and_a_session_of_before_are_over() -> None:
    """Classic-federated merge and unexpired session: no merge, and after the reset neither."""
    house = House()
    mallory = house.scene.register()
    assert (409, "oidc_account_unverified") == refused(house.come())
    reset(house.scene)
    assert 401 == house.scene.login(password=PASSWORD).status
    assert 401 == house.scene.me(mallory).status
    assert (401, "token_revoked") == refused(house.scene.refresh(mallory))
    assert mallory["user"]["id"] == house.come().json["user"]["id"]


def test_an_identity_of_before_is_void() -> None:
    """Trojan identifier: the stranger came by a provider whose word verifies nothing."""
    house = House({"links_by_email": False})
    mallory = house.come(sub="mallory").json
    assert not mallory["user"]["email_verified"]
    token = reset(house.scene)
    assert [] == house.identities(token)["items"]
    assert (409, "email_taken") == refused(house.come(sub="mallory"))
    assert 200 == house.door("GET", "/users/me", token=token).status


def test_a_void_identity_may_be_linked_by_whom_it_belongs_to() -> None:
    """The owner may have been the stranger: signed in, the same identity is linked anew."""
    house = House({"links_by_email": False})
    user_id = house.come().json["user"]["id"]
    token = reset(house.scene)
    assert (409, "email_taken") == refused(house.come())
    assert 204 == house.link_as(token).status
    assert (200, user_id) == seen(house.come())


def test_a_void_identity_may_be_anothers() -> None:
    """It belongs to nobody, so whoever comes with it gets an account or links it."""
    house = House({"links_by_email": False})
    house.come(sub="mallory")
    reset(house.scene)
    bob = house.scene.verified("bob@example.com")
    assert 204 == house.link_as(bob["access_token"], sub="mallory").status
    assert (200, bob["user"]["id"]) == seen(house.come(sub="mallory"))


def test_a_change_of_address_that_was_begun_before_is_off() -> None:
    """Unexpired e-mail change: the stranger's link does not move the account to his address."""
    house = House()
    mallory = house.scene.register()
    body = {"email": STRANGER, "current_password": PASSWORD}
    began = house.door("POST", "/users/me/email", json_body=body, token=mallory["access_token"])
    assert 202 == began.status, began.text
    link = house.scene.postbox.latest("verification")
    assert STRANGER == link.to
    token = reset(house.scene)
    assert (400, "link_void") == refused(house.scene.verify(link.token))
    user = house.door("GET", "/users/me", token=token).json
    assert (ADA, None) == (user["email"], user["pending_email"])


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": "false"}])
def test_a_provider_that_verifies_nothing_merges_nothing(claims: dict[str, Any]) -> None:
    """Non-verifying provider: a verified account of the address is not reached."""
    house = House()
    house.scene.verified()
    house.idp.userinfo = {"sub": "user-7"}
    assert (403, "oidc_email_unverified") == refused(house.come(**claims))


def seen(answer: Answer) -> tuple[int, str]:
    """Return the status and who it is."""
    return answer.status, str(answer.json["user"]["id"])
