"""Roles: what they allow, and that none leads upwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.core.access import Permission, Role, permissions_of
from nightshift.identity.roles.service import MAX_ROLES
from tests.contract.apps import Product, make_product
from tests.contract.door import register
from tests.unit.identity.access import SUPPORT, ask, root


@pytest.fixture
def product() -> Product:
    """The whole API with two administrators, root and the user."""
    return make_product()


def test_a_role_is_made_read_changed_and_deleted(product: Product) -> None:
    """The whole life of a role, with its versions."""
    made = root(product, "POST", "/roles", SUPPORT)
    assert (201, '"1"', "/api/v1/roles/helper") == (
        made.status,
        made.headers["etag"],
        made.headers["location"],
    )
    assert {"built_in": False, "holders": 0, "version": 1, **SUPPORT}.items() <= made.json.items()
    changes = {"permissions": ["users:read", "tasks:read"]}
    changed = root(product, "PATCH", "/roles/helper", changes, headers={"if-match": '"1"'})
    assert (200, 2, "Helps.") == (
        changed.status,
        changed.json["version"],
        changed.json["description"],
    )
    assert changed.json == root(product, "GET", "/roles/helper").json
    stale = root(product, "DELETE", "/roles/helper", headers={"if-match": '"1"'})
    assert (412, 204) == (stale.status, root(product, "DELETE", "/roles/helper").status)
    gone = root(product, "GET", "/roles/helper")
    assert (404, "role_not_found") == (gone.status, gone.error)


def test_the_list_begins_with_the_built_in_roles(product: Product) -> None:
    """Page by page, each role once."""
    root(product, "POST", "/roles", SUPPORT)
    names: list[str] = []
    cursor = ""
    while True:
        page = root(
            product, "GET", "/roles", query={"limit": "2"} | ({"cursor": cursor} if cursor else {})
        )
        names += [role["name"] for role in page.json["items"]]
        cursor = page.json["next_cursor"]
        if not cursor:
            break
    assert ["admin", "member", "viewer", "helper", "support"] == names
    viewer = root(product, "GET", "/roles/viewer").json
    assert sorted(permissions_of(Role.VIEWER)) == viewer["permissions"]
    assert (True, None) == (viewer["built_in"], viewer["holders"])


@pytest.mark.parametrize("name", list(Role))
def test_built_in_roles_stay_as_they_are(product: Product, name: str) -> None:
    """They are not changed, not deleted and not made again."""
    refused = (
        root(product, "PATCH", f"/roles/{name}", {"description": "x"}),
        root(product, "DELETE", f"/roles/{name}"),
    )
    assert [(409, "role_built_in")] * 2 == [(a.status, a.error) for a in refused]
    again = root(product, "POST", "/roles", SUPPORT | {"name": name})
    assert (409, "role_exists") == (again.status, again.error)


def test_a_name_is_taken_once(product: Product) -> None:
    """The second role of a name is refused, and the first stays."""
    root(product, "POST", "/roles", SUPPORT)
    again = root(product, "POST", "/roles", SUPPORT | {"permissions": ["tasks:read"]})
    assert (409, "role_exists") == (again.status, again.error)
    assert ["users:read"] == root(product, "GET", "/roles/helper").json["permissions"]


def test_there_are_only_so_many_roles(product: Product) -> None:
    """The limit holds, also for requests at once, and a deleted role makes room."""

    def make(number: int) -> int:
        return root(product, "POST", "/roles", SUPPORT | {"name": f"r{number}"}).status

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(MAX_ROLES + 3)))
    assert {201: MAX_ROLES - 1, 409: 4} == {s: made.count(s) for s in set(made)}
    refused = root(product, "POST", "/roles", SUPPORT)
    assert (409, "role_limit") == (refused.status, refused.error)
    root(product, "DELETE", "/roles/support")
    assert root(product, "POST", "/roles", SUPPORT).status == 201


def test_a_change_counts_at_once_and_everywhere(product: Product) -> None:
    """What a role allows is looked at with each request, in every process."""
    root(product, "POST", "/roles", SUPPORT | {"permissions": ["tasks:read", "roles:read"]})
    product.set_roles("helper")
    other = product.another_process()

    def may_list_tasks() -> list[bool]:
        doors = (product.door, other)
        return [d("GET", "/tasks", token=product.token).status == 200 for d in doors]

    assert [True, True] == may_list_tasks()
    root(product, "PATCH", "/roles/helper", {"permissions": ["roles:read"]})
    assert [False, False] == may_list_tasks()
    root(product, "PATCH", "/roles/helper", {"permissions": ["tasks:read"]})
    assert [True, True] == may_list_tasks()
    product.set_roles("support")
    assert [False, False] == may_list_tasks()
    product.set_roles("support", "viewer")
    assert [True, True] == may_list_tasks()
    product.set_roles("support")
    product.make_role("reader", ["tasks:read"])
    product.set_roles("support", "reader")
    assert [True, True] == may_list_tasks()


def test_knowing_the_caller_costs_one_read(product: Product) -> None:
    """One BatchGet tells user, session and roles; the first request with custom roles takes two."""
    meter = product.world.dynamodb.meter

    def reads() -> int:
        meter.reset()
        assert ask(product, "GET", "/tasks/preview", query="schedule=@daily").status == 200
        return sum(1 for call in meter.calls if call.table == "identity")

    assert [1, 1] == [reads(), reads()]
    root(product, "POST", "/roles", SUPPORT | {"name": "readers", "permissions": ["tasks:read"]})
    product.set_roles("readers", "support")
    assert [2, 1, 1] == [reads(), reads(), reads()]
    product.set_roles("support", "viewer")
    assert [1, 1] == [reads(), reads()]


def test_a_user_has_what_all_roles_allow(product: Product) -> None:
    """Roles add up, and the answer says to what."""
    product.set_roles("viewer", "support")
    found = root(product, "GET", f"/users/{product.user_id}/roles").json
    assert ["support", "viewer"] == found["roles"]
    together = permissions_of(Role.VIEWER) | {Permission.USERS_READ}
    assert sorted(together) == found["permissions"]


def test_roles_are_given_under_a_version(product: Product) -> None:
    """If-Match of the user counts, and what changes nothing makes no version."""
    path = f"/users/{product.user_id}/roles"
    seen = root(product, "GET", path).headers["etag"]
    same = root(product, "PUT", path, {"roles": ["admin"]}, headers={"if-match": seen})
    assert (200, seen) == (same.status, same.headers["etag"])
    given = root(product, "PUT", path, {"roles": ["viewer"]}, headers={"if-match": seen})
    assert (200, ["viewer"]) == (given.status, given.json["roles"])
    late = root(product, "PUT", path, {"roles": ["admin"]}, headers={"if-match": seen})
    assert 412 == late.status


@pytest.mark.parametrize("roles", [["nobody"], ["viewer", "nobody"]])
def test_a_role_that_is_none_is_not_given(product: Product, roles: list[str]) -> None:
    """The answer names it, and nothing changes."""
    answer = root(product, "PUT", f"/users/{product.user_id}/roles", {"roles": roles})
    assert (422, "unknown_role", True) == (answer.status, answer.error, "nobody" in answer.text)
    assert ["admin"] == ask(product, "GET", "/users/me").json["roles"]


def test_roles_of_nobody(product: Product) -> None:
    """A user who is not there has none and gets none."""
    path = "/users/0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e/roles"
    answers = (root(product, "GET", path), root(product, "PUT", path, {"roles": ["viewer"]}))
    assert [(404, "user_not_found")] * 2 == [(a.status, a.error) for a in answers]


class TestEscalation:
    """Nobody gives, changes or takes away what goes beyond the own permissions."""

    @pytest.fixture
    def product(self) -> Product:
        """The user may manage roles and read tasks, and nothing else."""
        product = make_product()
        product.make_role("manager", ["roles:read", "roles:write", "tasks:read"])
        product.make_role("strong", ["roles:write", "users:write"])
        product.make_role("weak", ["tasks:read"])
        product.set_roles("manager")
        return product

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/roles", {"name": "own", "permissions": ["tasks:read", "tasks:write"]}),
            ("PATCH", "/roles/manager", {"permissions": ["roles:write", "users:write"]}),
            ("PATCH", "/roles/strong", {"permissions": []}),
            ("DELETE", "/roles/strong", None),
        ],
    )
    def test_no_role_leads_upwards(
        self, product: Product, method: str, path: str, body: object
    ) -> None:
        """Not by making one, nor by changing one's own, nor by breaking a stronger one."""
        before = product.stored()
        answer = ask(product, method, path, body)
        assert (403, "permission_not_held") == (answer.status, answer.error)
        assert before == product.stored()

    @pytest.mark.parametrize("roles", [["admin"], ["member"], ["manager", "strong"]])
    def test_nobody_raises_himself(self, product: Product, roles: list[str]) -> None:
        """Stronger roles are given by those who have what they allow."""
        before = product.stored()
        answer = ask(product, "PUT", f"/users/{product.user_id}/roles", {"roles": roles})
        assert (403, "permission_not_held") == (answer.status, answer.error)
        assert before == product.stored()

    def test_nobody_unseats_who_is_stronger(self, product: Product) -> None:
        """Taking a role away takes the same as giving it."""
        path = f"/users/{product.root['user']['id']}/roles"
        answer = ask(product, "PUT", path, {"roles": ["weak"]})
        assert (403, "permission_not_held") == (answer.status, answer.error)

    def test_within_the_own_permissions_all_goes(self, product: Product) -> None:
        """Made, changed, given, taken and deleted."""
        bob = register(product.door, "bob@example.com")["user"]["id"]
        product.set_roles("weak", user_id=bob)
        own = {"name": "own", "permissions": ["tasks:read"]}
        answers = (
            ask(product, "POST", "/roles", own),
            ask(product, "PATCH", "/roles/own", {"permissions": ["roles:read"]}),
            ask(product, "PATCH", "/roles/strong", {"description": "words are no power"}),
            ask(product, "PUT", f"/users/{bob}/roles", {"roles": ["own", "weak"]}),
            ask(product, "PUT", f"/users/{bob}/roles", {"roles": ["weak"]}),
            ask(product, "DELETE", "/roles/own"),
        )
        assert [201, 200, 200, 200, 200, 204] == [a.status for a in answers]


def test_a_user_of_the_first_schema_keeps_the_one_role(product: Product) -> None:
    """Items that know one role are read as if they had a list."""
    product.world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": f"USER#{product.user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET #role = :role REMOVE #roles",
        ExpressionAttributeNames={"#role": "role", "#roles": "roles"},
        ExpressionAttributeValues={":role": {"S": "viewer"}},
    )
    assert ["viewer"] == ask(product, "GET", "/users/me").json["roles"]
    assert 403 == ask(product, "GET", "/roles").status


def test_a_permission_that_is_no_more_allows_nothing(product: Product) -> None:
    """A role that names one is still readable."""
    product.set_roles("support")
    product.world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": "ROLES"}, "sk": {"S": "ROLE#support"}},
        UpdateExpression="SET #permissions = :permissions",
        ExpressionAttributeNames={"#permissions": "permissions"},
        ExpressionAttributeValues={
            ":permissions": {"L": [{"S": "tasks:read"}, {"S": "dragons:tame"}]}
        },
    )
    assert 200 == ask(product, "GET", "/tasks").status
    assert ["tasks:read"] == root(product, "GET", "/roles/support").json["permissions"]
