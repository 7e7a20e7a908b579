"""Who may do what: every route, every role, one's own and another's resource."""

import json

import pytest

from nightshift.core.access import ADMIN_ONLY, Permission, Role, permissions_of
from tests.contract.apps import make_product, set_role
from tests.contract.door import register
from tests.contract.test_api_bad_input import GUARDED, OPERATIONS, Operation, send


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_role_may_what_its_permissions_say(operation: Operation, role: Role) -> None:
    """A route is 403 exactly for those whose role lacks its permission, and then does nothing."""
    product = make_product()
    set_role(product.world, product.user["user"]["id"], role)
    allowed = Permission(operation.spec["x-permission"]) in permissions_of(role)
    before = product.stored()
    headers = {"authorization": f"Bearer {product.token}"}
    answer = send(product, operation, headers=headers)
    assert allowed == (answer.status != 403), answer.text
    if not allowed:
        assert ("forbidden", before) == (answer.error, product.stored())


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.parameters("path")], ids=str)
def test_what_is_somebody_elses_does_not_exist(operation: Operation) -> None:
    """Another user's resource is 404, the administrators' own is 403, and both stay as they are."""
    product = make_product()
    bob = register(product.door, "bob@example.com")
    mine = [row for row in product.stored() if product.user["user"]["id"] in row]
    headers = {"authorization": f"Bearer {bob['access_token']}"}
    answer = send(product, operation, headers=headers)
    admins = operation.spec["x-permission"] in ADMIN_ONLY
    assert answer.status == (403 if admins else 404) or operation.method == "PUT", answer.text
    assert mine == [row for row in product.stored() if product.user["user"]["id"] in row]


def test_only_these_routes_are_public() -> None:
    """What anyone may call is listed here, by hand."""
    assert {
        "POST /auth/register",
        "POST /auth/login",
        "POST /auth/refresh",
        "GET /email/unsubscribe",
        "POST /email/unsubscribe",
        "GET /docs",
        "GET /openapi.json",
    } == {str(o) for o in OPERATIONS if o.is_public}


def test_lists_show_only_what_is_ones_own() -> None:
    """Bob's lists know nothing of the other user."""
    product = make_product()
    bob = register(product.door, "bob@example.com")
    for operation in GUARDED:
        if operation.method == "GET" and not operation.parameters("path"):
            if operation.spec["x-permission"] in ADMIN_ONLY:
                continue
            headers = {"authorization": f"Bearer {bob['access_token']}"}
            text = json.dumps(send(product, operation, headers=headers).json)
            assert product.user["user"]["id"] not in text, str(operation)
            assert product.ids["task_id"] not in text, str(operation)
