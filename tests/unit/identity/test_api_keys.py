"""API keys in use: what they may do, each way in which one can be wrong, and what it costs."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from nightshift.core.access import NEVER_FOR_KEYS, Permission
from nightshift.core.clock import rfc3339
from tests.contract.apps import GENEROUS, Product, make_product
from tests.contract.door import START, register
from tests.support.accounts import Postbox
from tests.support.faults import Fault, FaultMode
from tests.unit.identity.access import (
    KEY,
    UNKNOWN,
    ask,
    identity_calls,
    items_of_keys,
    outcome,
    use,
)


@pytest.fixture
def product() -> Product:
    """The whole API; the user is an administrator and has one key already."""
    return make_product()


class TestWays:
    """Each way to be wrong has its own slug and log line, and the log never has the key."""

    def refused(self, product: Product, secret: str, slug: str, *, key_id: str = "") -> None:
        """Assert that the key is refused for this reason, and logged so."""
        product.world.logged.truncate(0)
        product.world.logged.seek(0)
        answer = use(product, secret)
        assert (401, slug) == outcome(answer)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        (line,) = product.world.actions("auth.refused")
        assert (slug, key_id) == (line["error"], line.get("api_key_id", ""))
        assert secret == "nsk_" or secret[4:] not in product.world.logged.getvalue() + answer.text

    @pytest.mark.parametrize(
        ("secret", "slug"),
        [
            ("nsk_", "api_key_malformed"),
            ("nsk_" + "x" * 35, "api_key_malformed"),
            ("nsk_" + "ä" * 36, "api_key_malformed"),
            (UNKNOWN[:-1] + "!", "api_key_malformed"),
            (UNKNOWN[:-1] + "_", "api_key_malformed"),
            (UNKNOWN[:-1] + ("0" if UNKNOWN[-1] != "0" else "1"), "api_key_checksum"),
            ("nsk_" + "b" + UNKNOWN[5:], "api_key_checksum"),
        ],
    )
    def test_what_is_no_key_costs_no_lookup(self, product: Product, secret: str, slug: str) -> None:
        """It is refused by its look."""
        product.world.dynamodb.meter.reset()
        self.refused(product, secret, slug)
        assert [] == identity_calls(product)

    def test_of_before_the_account_was_its_owners(self, product: Product) -> None:
        """A stranger's key to an account that he made for somebody else's address is void."""
        stranger = product.make_key(["tasks:read"])
        postbox = Postbox(table=product.email.table)
        product.email.context = SimpleNamespace(mailer=postbox)  # type: ignore[assignment]  # part
        said = {"email": "fuzz@example.com"}
        assert 202 == product.door("POST", "/auth/password/forgot", json_body=said).status
        token = postbox.latest("reset").token
        body = {"token": token, "password": "of the owner of the address"}
        assert 204 == product.door("POST", "/auth/password/reset", json_body=body).status
        self.refused(product, str(stranger["secret"]), "api_key_revoked", key_id=stranger["id"])
        login = {"email": "fuzz@example.com", "password": body["password"]}
        product.user = product.door("POST", "/auth/login", json_body=login).json
        assert 200 == use(product, str(product.make_key(["tasks:read"])["secret"])).status

    def test_unknown(self, product: Product) -> None:
        """One lookup says so."""
        product.world.dynamodb.meter.reset()
        self.refused(product, UNKNOWN, "api_key_unknown")
        assert ["GetItem"] == identity_calls(product)

    def test_revoked(self, product: Product) -> None:
        """From the next request on, in every process."""
        made = product.make_key(["tasks:read"])
        other = product.another_process()
        assert [200, 200] == [use(product, made["secret"], d).status for d in (None, other)]
        assert 204 == ask(product, "DELETE", f"/api-keys/{made['id']}").status
        self.refused(product, made["secret"], "api_key_revoked", key_id=made["id"])
        assert (401, "api_key_revoked") == outcome(use(product, made["secret"], other))

    def test_expired(self, product: Product) -> None:
        """To the second."""
        ends = START + timedelta(seconds=100)
        made = product.make_key(["tasks:read"], expires_at=rfc3339(ends))
        product.world.clock.set(ends - timedelta(seconds=1))
        assert 200 == use(product, made["secret"]).status
        product.world.clock.set(ends)
        self.refused(product, made["secret"], "api_key_expired", key_id=made["id"])

    def test_from_elsewhere(self, product: Product) -> None:
        """A key with networks works from within them alone."""
        made = product.make_key(["tasks:read"], allowed_cidrs=["203.0.113.0/24", "2001:db8::/32"])
        for address, status in (
            ("203.0.113.9", 200),
            ("::ffff:203.0.113.9", 200),
            ("2001:db8::1", 200),
            ("198.51.100.1", 401),
            ("::ffff:198.51.100.1", 401),
            ("2001:db9::1", 401),
            ("unknown", 401),
        ):
            product.door.address = address
            assert status == use(product, made["secret"]).status, address
        self.refused(product, made["secret"], "api_key_address_not_allowed", key_id=made["id"])

    def test_of_somebody_who_is_gone(self, product: Product) -> None:
        """The key of a deleted account is refused at once, and soon nothing of it is left."""
        bob = register(product.door, "bob@example.com")
        made = product.door("POST", "/api-keys", json_body=KEY, token=bob["access_token"]).json
        before = len(items_of_keys(product))
        assert 200 == use(product, made["secret"]).status
        product.door("DELETE", "/users/me", token=bob["access_token"])
        assert (401, "api_key_owner_gone") == outcome(use(product, made["secret"]))
        product.engine.run_for(minutes=2)
        assert (401, "api_key_unknown") == outcome(use(product, made["secret"]))
        assert before - 3 == len(items_of_keys(product))

    def test_of_somebody_who_is_disabled(self, product: Product) -> None:
        """The key works again when its owner may sign in again."""
        made = product.make_key(["tasks:read"])
        key = {"pk": {"S": f"USER#{product.user_id}"}, "sk": {"S": "PROFILE"}}
        for value, expected in ((True, (401, "api_key_owner_gone")), (False, (200, ""))):
            product.world.dynamodb.update_item(
                TableName="identity",
                Key=key,
                UpdateExpression="SET disabled = :value",
                ExpressionAttributeValues={":value": {"BOOL": value}},
            )
            assert expected == outcome(use(product, made["secret"]))

    def test_an_item_left_behind_opens_nothing(self, product: Product) -> None:
        """Without its owner's profile a key is refused for its own reason."""
        made = product.make_key(["tasks:read"])
        key = {"pk": {"S": f"USER#{product.user_id}"}, "sk": {"S": "PROFILE"}}
        product.world.dynamodb.delete_item(TableName="identity", Key=key)
        self.refused(product, made["secret"], "api_key_owner_gone", key_id=made["id"])


class TestScopes:
    """What a key may do."""

    def test_only_what_the_owner_may_at_that_moment(self, product: Product) -> None:
        """A role that is taken away is taken from the keys, and given back to them."""
        secret = product.make_key(["tasks:read", "roles:read"])["secret"]
        for roles, expected in (
            ("admin", [200, 200]),
            ("member", [200, 403]),
            ("admin", [200, 200]),
        ):
            product.set_roles(roles)
            found = [product.door("GET", p, token=secret).status for p in ("/tasks", "/roles")]
            assert expected == found

    @pytest.mark.parametrize("scope", sorted(NEVER_FOR_KEYS))
    def test_some_take_a_sign_in(self, product: Product, scope: str) -> None:
        """Nothing that makes access which outlives the key, and nothing of sessions."""
        answer = ask(product, "POST", "/api-keys", KEY | {"scopes": ["tasks:read", scope]})
        assert (422, "scope_not_for_keys") == outcome(answer)
        assert ["scopes"] == [e["field"] for e in answer.json["errors"]]

    def test_a_scope_that_slipped_in_still_opens_nothing(self, product: Product) -> None:
        """What keys never may is looked at with each use, too."""
        made = product.make_key(["tasks:read"])
        product.world.dynamodb.update_item(
            TableName="identity",
            Key={
                "pk": {"S": f"USER#{product.user_id}"},
                "sk": {"S": f"APIKEY#{made['id']}"},
            },
            UpdateExpression="SET scopes = :scopes",
            ExpressionAttributeValues={
                ":scopes": {"L": [{"S": "sessions:write"}, {"S": "dragons:tame"}]}
            },
        )
        answer = product.door("POST", "/auth/logout-all", token=made["secret"])
        assert (403, "forbidden") == outcome(answer)

    def test_no_key_has_more_than_its_owner(self, product: Product) -> None:
        """Neither when it is made nor when it is changed."""
        product.set_roles("member")
        made = ask(product, "POST", "/api-keys", KEY).json
        more = {"scopes": ["tasks:read", "users:read"]}
        for answer in (
            ask(product, "POST", "/api-keys", KEY | more),
            ask(product, "PATCH", f"/api-keys/{made['id']}", more),
        ):
            assert (403, "permission_not_held") == outcome(answer)

    def test_a_demoted_owner_may_still_tidy_a_key(self, product: Product) -> None:
        """Scopes that are there and not ours any more may stay or go; no others may come."""
        made = product.make_key(["tasks:read", "roles:read"])
        product.set_roles("member")
        path = f"/api-keys/{made['id']}"
        renamed = ask(product, "PATCH", path, {"name": "old"})
        fewer = ask(product, "PATCH", path, {"scopes": ["tasks:read"]})
        again = ask(product, "PATCH", path, {"scopes": ["tasks:read", "roles:read"]})
        assert [200, 200, 403] == [a.status for a in (renamed, fewer, again)]

    def test_only_its_scopes(self, product: Product) -> None:
        """What the owner may beyond them, the key may not."""
        secret = product.make_key(["tasks:read"])["secret"]
        found = [product.door("GET", p, token=secret).status for p in ("/tasks", "/audit")]
        assert [200, 403] == found

    def test_everything_that_keys_can_have(self, product: Product) -> None:
        """A key with all scopes is one that its owner can make."""
        secret = product.make_key(frozenset(Permission) - NEVER_FOR_KEYS)["secret"]
        assert 200 == product.door("GET", "/settings/server", token=secret).status


class TestUse:
    """What using a key costs and leaves."""

    def test_reads(self, product: Product) -> None:
        """The first use in a process finds its owner, each further one is a single read."""
        secret = product.make_key(["tasks:read"])["secret"]
        use(product, secret)
        door = product.another_process()
        found = []
        for _ in range(3):
            product.world.dynamodb.meter.reset()
            assert 200 == use(product, secret, door).status
            found.append(identity_calls(product))
        assert [["GetItem", "BatchGetItem"], ["BatchGetItem"], ["BatchGetItem"]] == found

    def test_the_last_use_is_kept_to_the_hour(self, product: Product) -> None:
        """One write an hour, however many requests and processes."""
        made = product.make_key(["tasks:read"])
        doors = [product.door, product.another_process()]
        path = f"/api-keys/{made['id']}"
        assert ask(product, "GET", path).json["last_used_at"] is None
        product.world.dynamodb.meter.reset()
        for minutes in range(0, 120, 10):
            product.world.clock.set(START + timedelta(minutes=minutes))
            for door in doors:
                assert 200 == use(product, made["secret"], door).status
        assert 2 == identity_calls(product).count("UpdateItem")
        product.world.clock.set(START)
        used = ask(product, "GET", path).json
        assert (rfc3339(START + timedelta(hours=1)), 1) == (used["last_used_at"], used["version"])

    def test_a_use_that_cannot_be_noted_is_still_served(self, product: Product) -> None:
        """And the log says so."""
        secret = product.make_key(["tasks:read"])["secret"]
        hook = lambda operation, _: (  # noqa: E731 - one line says it
            Fault(mode=FaultMode.ERROR) if operation == "UpdateItem" else None
        )
        product.world.dynamodb.faults = hook
        answer = use(product, secret)
        assert (200, 1) == (answer.status, len(product.world.actions("api_key.use_not_noted")))

    def test_a_change_keeps_the_last_use(self, product: Product) -> None:
        """Changing a key does not forget when it was used, and using it does not undo a change."""
        made = product.make_key(["tasks:read"])
        use(product, made["secret"])
        path = f"/api-keys/{made['id']}"
        changed = ask(product, "PATCH", path, {"name": "other"}).json
        assert (rfc3339(START), "other") == (changed["last_used_at"], changed["name"])

    def test_requests_are_counted_by_owner(self, product: Product) -> None:
        """Many keys are no way around the limit of requests."""
        secrets = [product.make_key(["tasks:read"])["secret"] for _ in range(3)]
        product.world.dynamodb.meter.reset()
        environ = {**GENEROUS, "NIGHTSHIFT_RATE_LIMIT_CALLER": "20"}
        door = product.another_process(environ)
        found = [use(product, secrets[n % 3], door).status for n in range(30)]
        assert ([200] * 20, [429] * 10) == (found[:20], found[20:])
