"""Identities that a signed-in user links and removes: who may, what it does, and what stays."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.door import PASSWORD, Answer
from tests.support.accounts import ADA
from tests.support.faults import Fault, FaultHook, FaultMode
from tests.support.interleave import WRITES, before_write
from tests.unit.identity.oidc.house import House, refused
from tests.unit.identity.oidc.scene import CODE

ELSEWHERE = "ada@home.example"


def token_of(tokens: Any) -> str:
    """Return the access token of an answer."""
    found = tokens.json if isinstance(tokens, Answer) else tokens
    return str(found["access_token"])


class Linked(House):
    """Ada, verified, with a password, and one identity of another address."""

    def __init__(self) -> None:
        super().__init__()
        self.ada = self.scene.verified()
        self.token = token_of(self.ada)
        assert 204 == self.link_as(self.token, email=ELSEWHERE).status

    def only(self) -> str:
        """Return the id of the one identity."""
        (found,) = self.identities(self.token)["items"]
        return str(found["id"])


def test_an_identity_is_linked_by_whom_it_belongs_to() -> None:
    """It signs in from then on, whatever its address; no session was begun for it, none ended."""
    house = Linked()
    assert {} == house.jar
    seen = house.identities(house.token)
    (one,) = seen["items"]
    assert (True, "staff", ELSEWHERE) == (seen["has_password"], one["provider"], one["email"])
    assert 1 == len(house.door("GET", "/sessions", token=house.token).json["items"])
    again = house.come(email=ELSEWHERE)
    assert (200, house.ada["user"]["id"]) == (again.status, again.json["user"]["id"])
    (act,) = house.scene.trail.of("auth.oidc_link")
    assert (house.ada["user"]["id"], {"provider": "staff"}) == (act.actor_id, act.detail)


def test_linking_again_changes_nothing() -> None:
    """Neither the list nor the trail grows."""
    house = Linked()
    assert 204 == house.link_as(house.token).status
    assert 1 == len(house.identities(house.token)["items"])
    assert 1 == len(house.scene.trail.of("auth.oidc_link"))


def test_an_identity_of_somebody_else_is_not_linked() -> None:
    """It goes on signing in to whose it is."""
    house = Linked()
    bob = house.scene.verified("bob@example.com")
    assert (409, "oidc_identity_taken") == refused(house.link_as(token_of(bob)))
    assert [] == house.identities(token_of(bob))["items"]
    assert house.ada["user"]["id"] == house.come().json["user"]["id"]


def test_an_account_that_proved_no_address_links_nothing() -> None:
    """Else whoever made it for somebody else's address had a way in that stays."""
    house = House()
    mallory = house.scene.register()
    assert (403, "oidc_link_unverified") == refused(house.link(token_of(mallory)))


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": None}], ids=str)
def test_a_provider_that_verified_no_address_links_nothing(claims: dict[str, Any]) -> None:
    """Both sides must have."""
    house = House()
    house.idp.userinfo = {"sub": "user-7"}
    ada = house.scene.verified()
    assert (403, "oidc_email_unverified") == refused(house.link_as(token_of(ada), **claims))
    assert [] == house.federated()


def test_linking_takes_a_recent_sign_in() -> None:
    """A session that was left open for a quarter of an hour adds and removes no way in."""
    house = Linked()
    link_id = house.only()
    house.scene.world.clock.advance(seconds=899)
    assert 200 == house.link(house.token).status
    house.scene.world.clock.advance(seconds=1)
    assert (403, "sign_in_again") == refused(house.finish())
    fresh = token_of(house.scene.refresh(house.ada))
    assert (403, "sign_in_again") == refused(house.link(fresh))
    assert (403, "sign_in_again") == refused(house.unlink(fresh, link_id))
    assert 204 == house.unlink(token_of(house.scene.login()), link_id).status


def test_who_signed_out_meanwhile_links_nothing() -> None:
    """The session that asked must still be there when the browser comes back."""
    house = House()
    token = token_of(house.scene.verified())
    house.link(token)
    assert 204 == house.door("POST", "/auth/logout", token=token).status
    assert (403, "sign_in_again") == refused(house.finish())
    assert [] == house.federated()


def test_an_answer_for_linking_signs_nobody_in() -> None:
    """And one for signing in links nothing to whoever is signed in: the flow says what it is."""
    house = House()
    ada = house.scene.verified()
    assert 204 == house.link_as(token_of(ada), email=ELSEWHERE).status
    other = house.come(sub="user-8", email="grace@example.com")
    assert (200, "grace@example.com") == (other.status, other.json["user"]["email"])
    assert 1 == len(house.identities(token_of(ada))["items"])


def test_removing_an_identity_ends_the_other_sessions() -> None:
    """One of them may be whom it is taken from; the one that did it goes on."""
    house = Linked()
    there = house.come()
    assert 204 == house.unlink(house.token, house.only()).status
    assert 401 == house.scene.me(there.json).status
    assert 200 == house.scene.me(house.ada).status
    assert [] == house.federated()
    (act,) = house.scene.trail.of("auth.oidc_unlink")
    assert (house.ada["user"]["id"], {"provider": "staff"}) == (act.actor_id, act.detail)
    stranger = house.come(email=ELSEWHERE).json["user"]
    assert house.ada["user"]["id"] != stranger["id"]


def test_what_is_not_ones_own_cannot_be_removed() -> None:
    """Neither somebody else's identity nor one that is gone."""
    house = Linked()
    link_id = house.only()
    bob = house.scene.verified("bob@example.com")
    assert (404, "oidc_identity_not_found") == refused(house.unlink(token_of(bob), link_id))
    assert 204 == house.unlink(house.token, link_id).status
    assert (404, "oidc_identity_not_found") == refused(house.unlink(house.token, link_id))


def test_the_last_way_in_stays() -> None:
    """Without a password the last identity cannot be removed; with one it can."""
    house = House()
    ada = house.come()
    token = token_of(ada)
    (one,) = house.identities(token)["items"]
    assert (409, "last_way_in") == refused(house.unlink(token, one["id"]))
    assert 200 == house.come().status
    house.scene.reset(house.scene.reset_token(), PASSWORD)
    token = token_of(house.scene.login())
    assert 204 == house.unlink(token, one["id"]).status


def test_of_two_ways_in_one_can_go() -> None:
    """Whichever comes first; then it is the last."""
    house = House()
    token = token_of(house.come())
    house.scene.world.clock.advance(seconds=1)
    assert 204 == house.link_as(token, sub="user-8", email=ELSEWHERE).status
    first, second = house.identities(token)["items"]
    assert [ADA, ELSEWHERE] == [first["email"], second["email"]]
    assert 204 == house.unlink(token, first["id"]).status
    assert (409, "last_way_in") == refused(house.unlink(token, second["id"]))


def test_two_removals_at_once_leave_one_way_in() -> None:
    """Between looking and writing the other identity went; the second removal looks again."""
    house = House()
    token = token_of(house.come())
    assert 204 == house.link_as(token, sub="user-8", email=ELSEWHERE).status
    first, second = house.identities(token)["items"]
    removals: list[Answer] = []
    house.scene.world.dynamodb.faults = before_write(
        "identity", lambda: removals.append(house.unlink(token, second["id"]))
    )
    assert (409, "last_way_in") == refused(house.unlink(token, first["id"]))
    assert [204] == [answer.status for answer in removals]
    assert 1 == len(house.identities(token)["items"])


def test_linking_while_the_same_identity_is_linked_elsewhere() -> None:
    """Whoever is faster has it; the other is told whose it is not."""
    house = House()
    token = token_of(house.scene.verified())
    bob = token_of(house.scene.verified("bob@example.com"))
    house.idp.claims = {}
    house.link(token)
    state, jar, nonce = house.state, dict(house.jar), house.idp.nonce
    left = [1]

    def faster(operation: str, _: object) -> None:
        if operation == "TransactWriteItems" and left:
            left.clear()
            assert 204 == house.link_as(bob).status
            house.idp.nonce = nonce

    house.scene.world.dynamodb.faults = faster
    answer = house.door(
        "GET", "/auth/oidc/staff/callback", query={"state": state, "code": CODE}, cookies=jar
    )
    assert (409, "oidc_identity_taken") == refused(answer)
    assert [] == house.identities(token)["items"]
    assert 1 == len(house.identities(bob)["items"])


@pytest.mark.parametrize("lost", range(1, 4))
def test_a_lost_answer_of_the_table_changes_nothing(lost: int) -> None:
    """The client's own retry finds its first write, and knows it: coming, linking, removing."""
    house = House()
    house.scene.world.dynamodb.faults = lost_write(lost)
    first = house.come()
    assert 200 == first.status
    token = token_of(first)
    house.scene.world.dynamodb.faults = lost_write(lost)
    assert 204 == house.link_as(token, sub="user-8", email=ELSEWHERE).status
    _, second = sorted(house.identities(token)["items"], key=lambda one: one["email"], reverse=True)
    house.scene.world.dynamodb.faults = lost_write(lost)
    assert 204 == house.unlink(token, second["id"]).status
    assert 1 == len(house.identities(token)["items"])


def lost_write(ordinal: int) -> FaultHook:
    """Return a hook that loses the answer of the n-th write to the identity table."""
    seen: list[str] = []

    def hook(operation: str, request: Mapping[str, Any]) -> Fault | None:
        if operation not in WRITES or "'identity'" not in str(request):
            return None
        seen.append(operation)
        return Fault(mode=FaultMode.ANSWER_LOST) if len(seen) == ordinal else None

    return hook


def test_a_way_in_that_no_provider_opens_is_none() -> None:
    """An identity of a provider that is not configured any more keeps nobody's way in open."""
    house = House()
    token = token_of(house.come())
    assert 204 == house.link_as(token, sub="user-8", email=ELSEWHERE).status
    first, second = house.identities(token)["items"]
    for row in house.federated():
        if row["sk"].endswith(second["id"]):
            house.scene.world.dynamodb.update_item(
                TableName="identity",
                Key={"pk": {"S": row["pk"]}, "sk": {"S": row["sk"]}},
                UpdateExpression="SET issuer = :gone",
                ExpressionAttributeValues={":gone": {"S": "https://gone.example.com"}},
            )
    assert (409, "last_way_in") == refused(house.unlink(token, first["id"]))
    assert 204 == house.unlink(token, second["id"]).status


def test_an_account_has_twenty_identities_at_most() -> None:
    """So that the list is one page."""
    house = House()
    token = token_of(house.scene.verified())
    for number in range(20):
        assert 204 == house.link_as(token, sub=f"user-{number}").status
    assert (409, "oidc_too_many_identities") == refused(house.link_as(token, sub="user-20"))
    assert 20 == len(house.identities(token)["items"])
