"""Who may do what: every route by every kind of caller, from the routes as they are declared.

A route that is new is in the matrix at once; one without a rule does not even build.
"""

from collections.abc import Callable

import pytest

from infra import openapi
from nightshift.core.access import ADMIN_ONLY, NEVER_FOR_KEYS, Permission, Role, permissions_of
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer, register
from tests.contract.test_api_bad_input import GUARDED, OPERATIONS, Operation, send

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

EVERYTHING = frozenset(Permission)
FOR_KEYS = EVERYTHING - NEVER_FOR_KEYS
CLOSED = [o for o in GUARDED if not o.is_shared]


def needed(operation: Operation) -> Permission:
    """Return the permission that the route declares."""
    return Permission(operation.spec["x-permission"])


def with_roles(*roles: str) -> Callable[[Product, Permission], str]:
    """Return a caller who signed in and has these roles."""

    def prepare(product: Product, _: Permission) -> str:
        product.set_roles(*roles)
        return product.token

    return prepare


def custom_with(product: Product, permission: Permission) -> str:
    """Return a caller whose one role allows this and nothing else."""
    product.make_role("narrow", [permission])
    product.set_roles("narrow")
    return product.token


def custom_without(product: Product, permission: Permission) -> str:
    """Return a caller whose one role allows everything but this."""
    product.make_role("wide", EVERYTHING - {permission})
    product.set_roles("wide")
    return product.token


def used_key(product: Product, scopes: frozenset[Permission]) -> str:
    """Return a key of the user, who is an administrator; its use has been noted."""
    secret = str(product.make_key(scopes)["secret"])
    product.door("GET", "/users/me", token=secret)
    return secret


def key_with(product: Product, permission: Permission) -> str:
    """Return a key that has this scope and no other, if keys can have it at all."""
    return used_key(product, frozenset({permission} & FOR_KEYS or {Permission.TASKS_READ}))


def key_without(product: Product, permission: Permission) -> str:
    """Return a key with all scopes but this."""
    return used_key(product, FOR_KEYS - {permission})


def key_of_demoted(product: Product, permission: Permission) -> str:
    """Return a key with this scope and more whose owner may no longer do it."""
    secret = used_key(product, FOR_KEYS)
    product.make_role("wide", EVERYTHING - {permission})
    product.set_roles("wide")
    return secret


def allows(*roles: Role) -> Callable[[Permission], bool]:
    """Return the rule of somebody who has these roles."""
    together = frozenset[Permission]().union(*map(permissions_of, roles))
    return lambda permission: permission in together


CALLERS: dict[str, tuple[Callable[[Product, Permission], str], Callable[[Permission], bool]]] = {
    **{role.value: (with_roles(role), allows(role)) for role in Role},
    "viewer and member": (with_roles("viewer", "member"), allows(Role.VIEWER, Role.MEMBER)),
    "custom role with it": (custom_with, lambda _: True),
    "custom role without it": (custom_without, lambda _: False),
    "key with the scope": (key_with, lambda p: p in FOR_KEYS),
    "key without the scope": (key_without, lambda _: False),
    "key of an owner without it": (key_of_demoted, lambda _: False),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_caller_may_what_the_rules_say(operation: Operation, caller: str) -> None:
    """A route is refused exactly to those who lack its permission, and then does nothing."""
    product = make_product()
    prepare, may = CALLERS[caller]
    token = prepare(product, needed(operation))
    before = product.stored()
    answer = send(product, operation, headers={"authorization": f"Bearer {token}"})
    is_refused = answer.status == 403 and answer.error == "forbidden"
    assert may(needed(operation)) == (not is_refused), answer.text
    assert answer.status not in {401, 500}
    if is_refused:
        assert before == product.stored()


@pytest.mark.parametrize("operation", CLOSED, ids=str)
def test_nobody_gets_in_without_credentials(operation: Operation) -> None:
    """Who sends none is 401, told how to do better, and changes nothing."""
    product = make_product()
    before = product.stored()
    answer = send(product, operation, headers={"authorization": ""})
    found = (answer.status, answer.error, answer.headers["www-authenticate"][:6], product.stored())
    assert (401, "unauthenticated", "Bearer", before) == found


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.is_public], ids=str)
def test_what_is_public_asks_for_no_credentials(operation: Operation) -> None:
    """A public route answers for its own reasons, never for want of a permission."""
    answer = send(make_product(), operation)
    assert answer.status < 500
    assert (answer.status, _slug(answer)) not in {(401, "unauthenticated"), (403, "forbidden")}


NOBODYS = {"POST /auth/oidc/{provider}/link"}
"""What their paths name is configuration."""
OWNED = [
    o
    for o in CLOSED
    if o.parameters("path") and needed(o) not in ADMIN_ONLY and str(o) not in NOBODYS
]


@pytest.mark.parametrize("role", ["member", "admin"])
@pytest.mark.parametrize("operation", OWNED, ids=str)
def test_what_is_somebody_elses_does_not_exist(operation: Operation, role: str) -> None:
    """Another user's resource is 404 even for administrators, and stays as it is."""
    product = make_product()
    bob = register(product.door, "bob@example.com")
    product.set_roles(role, user_id=bob["user"]["id"])
    mine = [row for row in product.stored() if product.user_id in row]
    answer = send(product, operation, headers={"authorization": f"Bearer {bob['access_token']}"})
    assert answer.status == 404 or operation.method == "PUT", answer.text
    assert mine == [row for row in product.stored() if product.user_id in row]


def test_lists_show_only_what_is_ones_own() -> None:
    """Bob's lists know nothing of the other user."""
    product = make_product()
    bob = register(product.door, "bob@example.com")
    for operation in GUARDED:
        if operation.method == "GET" and not operation.parameters("path"):
            headers = {"authorization": f"Bearer {bob['access_token']}"}
            text = send(product, operation, headers=headers).text
            assert product.user_id not in text, str(operation)
            assert product.ids["task_id"] not in text, str(operation)


def test_only_these_routes_take_strangers_as_well() -> None:
    """What shows everybody the same is listed here, by hand."""
    assert {"GET /reports/{username}"} == {str(o) for o in OPERATIONS if o.is_shared}


def test_only_these_routes_are_public() -> None:
    """What anyone may call is listed here, by hand."""
    assert {
        "POST /auth/register",
        "POST /auth/login",
        "POST /auth/refresh",
        "POST /auth/password/forgot",
        "POST /auth/password/reset",
        "POST /auth/verify-email",
        "GET /auth/oidc",
        "GET /auth/oidc/{provider}/start",
        "GET /auth/oidc/{provider}/callback",
        "GET /settings/public",
        "GET /email/unsubscribe",
        "POST /email/unsubscribe",
        "GET /docs",
        "GET /openapi.json",
    } == {str(o) for o in OPERATIONS if o.is_public}


def test_only_these_routes_are_the_administrators() -> None:
    """What members and viewers never get is listed here, by hand."""
    assert {
        "GET /users",
        "GET /users/{user_id}",
        "POST /users/{user_id}/disable",
        "POST /users/{user_id}/enable",
        "POST /users/{user_id}/logout",
        "DELETE /users/{user_id}",
        "GET /roles",
        "POST /roles",
        "GET /roles/{role_name}",
        "PATCH /roles/{role_name}",
        "DELETE /roles/{role_name}",
        "GET /users/{user_id}/roles",
        "PUT /users/{user_id}/roles",
        "GET /settings/server",
        "PATCH /settings/server",
        "GET /email/suppressions",
        "DELETE /email/suppressions/{suppression_id}",
        "GET /queues",
        "GET /queues/{queue}",
        "POST /queues/{queue}/pause",
        "POST /queues/{queue}/resume",
        "GET /queues/{queue}/dead-letters",
        "POST /queues/{queue}/dead-letters/redrive",
        "DELETE /queues/{queue}/dead-letters/{letter_id}",
    } == {str(o) for o in GUARDED if needed(o) in ADMIN_ONLY}


def test_the_document_lists_every_route_that_is_served() -> None:
    """The matrix is made from the document, so nothing may be served that it does not know."""
    documented = {(o.method, o.path) for o in OPERATIONS}
    declared = {(r.method, r.full_path) for router in openapi.ROUTERS for r in router.routes}
    assert declared == documented
    product = make_product()
    for app in product.apps:
        assert {(r.method, r.full_path) for r in app.routes} <= documented


def _slug(answer: Answer) -> str:
    return answer.error if answer.status >= 400 else ""
