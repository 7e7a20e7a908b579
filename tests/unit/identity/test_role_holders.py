"""Who holds roles: somebody always can administer, and counts are right whatever happens."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.access import UserId
from nightshift.identity.roles.errors import LastAdminError
from nightshift.identity.store import IdentityStore
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer, register
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.interleave import before_write
from tests.unit.identity.access import SUPPORT, ask, holders, role_items, root


@pytest.fixture
def product() -> Product:
    """The whole API with two administrators, root and the user."""
    return make_product()


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
