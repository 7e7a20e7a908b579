"""Roles: what they allow, who may give them, and that somebody always can administer."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.access import Permission, Role, UserId, permissions_of
from nightshift.identity.roles.errors import LastAdminError
from nightshift.identity.roles.service import MAX_ROLES
from nightshift.identity.store import IdentityStore
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer, register
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.interleave import before_write

SUPPORT = {"name": "helper", "description": "Helps.", "permissions": ["users:read"]}


@pytest.fixture
def product() -> Product:
    """The whole API with two administrators, root and the user."""
    return make_product()


def root(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as root, who is an administrator."""
    token = product.root["access_token"]
    return product.door(method, path, json_body=body, token=token, **more)


def ask(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as the user."""
    return product.door(method, path, json_body=body, token=product.token, **more)


def role_items(product: Product) -> dict[str, Any]:
    """Return the stored counts and roles by sort key."""
    return {row["sk"]: row for row in product.world.rows("identity") if row["pk"] == "ROLES"}


def holders(product: Product, key: str) -> int:
    """Return a stored count of holders."""
    return int(role_items(product)[key]["holders"])


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


class TestLastAdmin:
    """One administrator who can sign in is always left."""

    def test_root_cannot_step_down_alone(self, product: Product) -> None:
        """While there are two, one may go; the last one may neither step down nor leave."""
        product.set_roles("member")
        path = f"/users/{product.root['user']['id']}/roles"
        for answer in (
            root(product, "PUT", path, {"roles": ["member"]}),
            root(product, "DELETE", "/users/me"),
        ):
            assert (409, "last_admin") == (answer.status, answer.error)
        assert 1 == holders(product, "ADMINS")
        product.set_roles("admin")
        assert 204 == root(product, "DELETE", "/users/me").status
        assert 1 == holders(product, "ADMINS")

    def test_two_at_once_do_not_leave_nobody(self) -> None:
        """Whoever unseats whom, in many rounds: exactly one remains."""
        for _ in range(15):
            product = make_product()
            mine, roots = product.user_id, product.root["user"]["id"]
            deeds = (
                lambda: ask(product, "PUT", f"/users/{roots}/roles", {"roles": ["viewer"]}),  # noqa: B023 - run in this round
                lambda: root(product, "PUT", f"/users/{mine}/roles", {"roles": ["viewer"]}),  # noqa: B023 - run in this round
                lambda: root(product, "DELETE", "/users/me"),  # noqa: B023 - run in this round
            )
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda deed: deed(), deeds))
            admins = [
                row
                for row in product.world.rows("identity")
                if row["sk"] == "PROFILE" and row["roles"] == ["admin"]
            ]
            assert (1, 1) == (len(admins), holders(product, "ADMINS"))

    def test_who_is_disabled_does_not_count(self, product: Product) -> None:
        """The last one who can sign in cannot be disabled either."""
        store = IdentityStore(Table(product.world.outside.dynamodb, "identity"))
        user = store.find_user(UserId(product.user_id))
        assert user is not None
        disabled = replace(user, disabled=True, version=user.version + 1)
        assert store.change_user(user, disabled)
        assert 1 == holders(product, "ADMINS")
        rootuser = store.find_user(UserId(product.root["user"]["id"]))
        assert rootuser is not None
        with pytest.raises(LastAdminError):
            store.change_user(rootuser, replace(rootuser, disabled=True))
        enabled = replace(disabled, disabled=False, version=disabled.version + 1)
        assert store.change_user(disabled, enabled)
        assert 2 == holders(product, "ADMINS")


class TestUse:
    """A role that somebody has cannot be deleted, and one that is gone cannot be given."""

    def test_in_use(self, product: Product) -> None:
        """The count follows giving, taking and deleted accounts."""
        product.set_roles("admin", "support")
        bob = register(product.door, "bob@example.com")
        product.set_roles("support", "member", user_id=bob["user"]["id"])
        assert 2 == root(product, "GET", "/roles/support").json["holders"]
        refused = root(product, "DELETE", "/roles/support")
        assert (409, "role_in_use") == (refused.status, refused.error)
        product.door("DELETE", "/users/me", token=bob["access_token"])
        assert 1 == root(product, "GET", "/roles/support").json["holders"]
        product.set_roles("admin")
        assert 204 == root(product, "DELETE", "/roles/support").status

    def test_given_and_deleted_at_once(self) -> None:
        """Never has anybody a role that is not there."""
        for _ in range(15):
            product = make_product()
            path = f"/users/{product.user_id}/roles"
            deeds = (
                lambda: root(product, "DELETE", "/roles/support"),  # noqa: B023 - run in this round
                lambda: root(product, "PUT", path, {"roles": ["support"]}),  # noqa: B023 - run in this round
            )
            with ThreadPoolExecutor(2) as pool:
                deleted, given = pool.map(lambda deed: deed().status, deeds)
            roles = root(product, "GET", path).json["roles"]
            exists = root(product, "GET", "/roles/support").status == 200
            assert exists == ("support" in roles), (deleted, given)

    def test_deleted_before_it_is_given(self, product: Product) -> None:
        """Who found the role there does not give it any more."""
        product.world.dynamodb.faults = before_write(
            "identity", lambda: root(product, "DELETE", "/roles/support")
        )
        path = f"/users/{product.user_id}/roles"
        given = root(product, "PUT", path, {"roles": ["support"]})
        assert (422, "unknown_role") == (given.status, given.error)
        assert "ROLE#support" not in role_items(product)
        assert ["admin"] == ask(product, "GET", "/users/me").json["roles"]

    def test_given_before_it_is_deleted(self, product: Product) -> None:
        """Who found it unused does not delete it any more."""
        product.world.dynamodb.faults = before_write(
            "identity", lambda: product.set_roles("support")
        )
        deleted = root(product, "DELETE", "/roles/support")
        assert (409, "role_in_use") == (deleted.status, deleted.error)
        assert 1 == holders(product, "ROLE#support")

    @pytest.mark.parametrize(
        ("method", "body"), [("PATCH", {"description": "late"}), ("DELETE", None)]
    )
    def test_changed_before_it_is_changed(
        self, product: Product, method: str, body: object
    ) -> None:
        """The slower of two is told to read again."""
        product.world.dynamodb.faults = before_write(
            "identity", lambda: root(product, "PATCH", "/roles/support", {"description": "new"})
        )
        late = root(product, method, "/roles/support", body)
        assert (409, "conflict") == (late.status, late.error)
        assert "new" == root(product, "GET", "/roles/support").json["description"]

    def test_roles_given_twice_at_once(self, product: Product) -> None:
        """The slower is told to read again, and the counts are right."""
        product.world.dynamodb.faults = before_write(
            "identity", lambda: product.set_roles("support")
        )
        path = f"/users/{product.user_id}/roles"
        late = root(product, "PUT", path, {"roles": ["admin", "support"]})
        assert (409, "conflict") == (late.status, late.error)
        assert (1, 1) == (holders(product, "ROLE#support"), holders(product, "ADMINS"))

    def test_an_account_deleted_twice_at_once_is_counted_out_once(self, product: Product) -> None:
        """Two requests to delete it do not take two away, and both are told that it is gone."""
        product.set_roles("admin", "support")
        faster: list[Answer] = []
        product.world.dynamodb.faults = before_write(
            "identity", lambda: faster.append(ask(product, "DELETE", "/users/me"))
        )
        slower = ask(product, "DELETE", "/users/me")
        assert [204, 204] == [faster[0].status, slower.status]
        assert (0, 1) == (holders(product, "ROLE#support"), holders(product, "ADMINS"))


class TestFaults:
    """Lost answers and crashes make nothing twice and nothing by halves."""

    @pytest.mark.parametrize(
        "mode", [FaultMode.ANSWER_LOST, FaultMode.ERROR, FaultMode.ERROR_AFTER]
    )
    @pytest.mark.parametrize("ordinal", range(1, 9))
    def test_giving_a_role(self, product: Product, ordinal: int, mode: FaultMode) -> None:
        """Whatever call goes wrong, the count is that of the users who have the role."""
        product.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
        path = f"/users/{product.user_id}/roles"
        root(product, "PUT", path, {"roles": ["admin", "support"]})
        product.world.dynamodb.faults = None
        have = root(product, "GET", path).json["roles"]
        assert holders(product, "ROLE#support") == have.count("support")
        events = [r for r in product.world.rows("audit") if r["pk"] == "ACTION#user.roles_changed"]
        assert len(events) == 1 + have.count("support")

    @pytest.mark.parametrize("mode", [FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER])
    def test_making_a_role_again_after_a_crash(self, product: Product, mode: FaultMode) -> None:
        """The same Idempotency-Key makes the role once, wherever the first attempt died."""
        for ordinal in range(1, 8):
            fresh = SUPPORT | {"name": f"r{ordinal}"}
            keyed = {"idempotency-key": f"make-{ordinal}"}
            product.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
            with suppress(CrashError):
                root(product, "POST", "/roles", fresh, headers=keyed)
            product.world.dynamodb.faults = None
            product.world.clock.advance(seconds=40)
            again = root(product, "POST", "/roles", fresh, headers=keyed)
            assert (201, 1) == (again.status, again.json["version"]), (ordinal, again.text)
        made = {k for k in role_items(product) if k.startswith("ROLE#")}
        assert len(made) == role_items(product)["CATALOGUE"]["kept"]

    def test_a_change_that_cannot_be_audited_is_not_made(self, product: Product) -> None:
        """Event and change stand in one transaction."""
        before = [r for r in product.world.rows("identity") if r["pk"] == "ROLES"]
        product.world.dynamodb.delete_table(TableName="audit")
        path = f"/users/{product.user_id}/roles"
        answers = (
            root(product, "POST", "/roles", SUPPORT),
            root(product, "PATCH", "/roles/support", {"permissions": ["tasks:read"]}),
            root(product, "DELETE", "/roles/support"),
            root(product, "PUT", path, {"roles": ["viewer"]}),
        )
        assert {500} == {a.status for a in answers}
        assert before == [r for r in product.world.rows("identity") if r["pk"] == "ROLES"]
        assert ["admin"] == ask(product, "GET", "/users/me").json["roles"]


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
