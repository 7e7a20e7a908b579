"""Whoever administers users does not reach those who may do more."""

import pytest

from tests.contract.apps import make_product
from tests.contract.door import register

ACTS = [("POST", "/disable"), ("POST", "/enable"), ("POST", "/logout"), ("DELETE", "")]


@pytest.mark.parametrize(("method", "tail"), ACTS)
@pytest.mark.parametrize(
    ("roles", "reached"), [(["viewer"], True), (["member"], False), (["admin"], False)]
)
def test_a_role_reaches_only_who_may_no_more(
    method: str, tail: str, roles: list[str], *, reached: bool
) -> None:
    """A support role that may all that viewers may administers viewers alone."""
    product = make_product()
    bob, eve = (register(product.door, f"{n}@example.com") for n in ("bob", "eve"))
    product.set_roles("viewer", user_id=bob["user"]["id"])
    product.make_role("helpers", ["users:write"])
    product.set_roles("viewer", "helpers", user_id=bob["user"]["id"])
    product.set_roles(*roles, user_id=eve["user"]["id"])
    answer = product.door(method, f"/users/{eve['user']['id']}{tail}", token=bob["access_token"])
    done = 204 if tail in {"", "/logout"} else 200
    assert (done if reached else 403) == answer.status, answer.text
    assert reached or "beyond_caller" == answer.error


def test_the_last_administrator_stays() -> None:
    """Whoever is left with the rights cannot be locked out or deleted by another holder."""
    product = make_product()
    root_id = product.root["user"]["id"]
    ours = product.door("POST", f"/users/{root_id}/disable", token=product.token)
    assert 200 == ours.status
    own = product.door("DELETE", "/users/me", token=product.token)
    assert (409, "last_admin") == (own.status, own.error)
