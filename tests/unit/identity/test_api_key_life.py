"""API keys from making to revoking: changes, rotation, races and crashes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from nightshift.core.clock import rfc3339
from tests.contract.apps import Product, make_product
from tests.contract.door import START, Answer
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.interleave import before_write
from tests.unit.identity.access import (
    KEY,
    ask,
    items_of_keys,
    outcome,
    use,
)


@pytest.fixture
def product() -> Product:
    """The whole API; the user is an administrator and has one key already."""
    return make_product()


class TestLife:
    """From making to revoking."""

    def test_the_secret_is_shown_once_and_stored_as_a_hash(self, product: Product) -> None:
        """Neither a list nor the table has it."""
        made = ask(product, "POST", "/api-keys", KEY)
        secret = made.json["secret"]
        assert (201, f"/api/v1/api-keys/{made.json['id']}") == (
            made.status,
            made.headers["location"],
        )
        assert "no-store" == made.headers["cache-control"]
        listed = (
            ask(product, "GET", "/api-keys").text
            + ask(product, "GET", f"/api-keys/{made.json['id']}").text
        )
        stored = "".join(product.stored())
        assert [False, False] == [secret[8:] in listed, secret[8:] in stored]
        assert hashlib.sha256(secret.encode()).hexdigest() in stored
        assert secret[:8] == made.json["shown"]

    def test_the_same_request_gives_the_same_secret(self, product: Product) -> None:
        """With an Idempotency-Key; the kept answer is sealed."""
        headers = {"idempotency-key": "k1"}
        first = ask(product, "POST", "/api-keys", KEY, headers=headers)
        again = ask(product, "POST", "/api-keys", KEY, headers=headers)
        assert (201, first.json) == (again.status, again.json)
        assert first.json["secret"][4:] not in repr(product.world.rows("http"))

    def test_changes(self, product: Product) -> None:
        """Each field, by itself, under a version."""
        made = product.make_key(["tasks:read"], allowed_cidrs=["10.0.0.0/8"])
        path = f"/api-keys/{made['id']}"
        ends = rfc3339(START + timedelta(days=3))
        for change, field, expected in (
            ({"name": "new"}, "name", "new"),
            ({"scopes": ["jobs:read"]}, "scopes", ["jobs:read"]),
            ({"allowed_cidrs": ["192.0.2.1"]}, "allowed_cidrs", ["192.0.2.1/32"]),
            ({"allowed_cidrs": None}, "allowed_cidrs", []),
            ({"expires_at": ends}, "expires_at", ends),
            ({"expires_at": None}, "expires_at", None),
        ):
            before = ask(product, "GET", path)
            tag = {"if-match": before.headers["etag"]}
            changed = ask(product, "PATCH", path, change, headers=tag)
            assert 200 == changed.status, changed.text
            ignored = {"version", "updated_at", field}
            same = {k: v for k, v in before.json.items() if k not in ignored}
            assert same == {k: v for k, v in changed.json.items() if k not in ignored}
            assert (expected, before.json["version"] + 1) == (
                changed.json[field],
                changed.json["version"],
            )
            assert 412 == ask(product, "PATCH", path, {"name": "late"}, headers=tag).status
        unchanged = ask(product, "PATCH", path, {"name": "new"})
        assert (200, changed.json["version"]) == (unchanged.status, unchanged.json["version"])

    def test_lists_are_newest_first_and_without_revoked_ones(self, product: Product) -> None:
        """Page by page."""
        ids = [product.ids["key_id"]]
        for number in range(4):
            product.world.clock.advance(seconds=1)
            ids.append(product.make_key(["tasks:read"], name=f"k{number}")["id"])
        ask(product, "DELETE", f"/api-keys/{ids.pop(2)}")
        first = ask(product, "GET", "/api-keys", query={"limit": "3"}).json
        rest = ask(product, "GET", "/api-keys", query={"cursor": first["next_cursor"]}).json
        assert ids[::-1] == [k["id"] for k in first["items"] + rest["items"]]
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_a_revoked_key_is_no_more(self, product: Product, method: str) -> None:
        """It is not found."""
        path = f"/api-keys/{product.ids['key_id']}"
        ask(product, "DELETE", path)
        body = {"name": "x"} if method == "PATCH" else None
        assert (404, "api_key_not_found") == outcome(ask(product, method, path, body))

    def test_only_so_many(self, product: Product) -> None:
        """The limit is exact, also for requests at once; revoking makes room."""
        most = 20
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: ask(product, "POST", "/api-keys", KEY), range(most + 4)))
        assert (most - 1, 5) == (
            sum(a.status == 201 for a in made),
            sum(outcome(a) == (409, "api_key_limit") for a in made),
        )
        for _ in range(2):
            ask(product, "DELETE", f"/api-keys/{product.ids['key_id']}")
        left = [ask(product, "POST", "/api-keys", KEY).status for _ in range(2)]
        assert [201, 409] == left

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["tasks:read", "tasks:read"]}, "scopes"),
            ({"scopes": ["everything"]}, "scopes.0"),
            ({"allowed_cidrs": ["10.0.0.1/8"]}, "allowed_cidrs"),
            ({"allowed_cidrs": ["example.com"]}, "allowed_cidrs"),
            ({"allowed_cidrs": ["::ffff:10.0.0.0/104"]}, "allowed_cidrs"),
            ({"allowed_cidrs": ["10.0.0.0/8"] * 21}, "allowed_cidrs"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"expires_at": "tomorrow"}, "expires_at"),
            ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ],
    )
    def test_bad_wishes(self, product: Product, change: dict[str, Any], field: str) -> None:
        """The answer names the field, and no key is made."""
        before = product.stored()
        answer = ask(product, "POST", "/api-keys", KEY | change)
        assert (422, [field]) == (answer.status, [e["field"] for e in answer.json["errors"]])
        assert before == product.stored()

    def test_administrators_bound_lifetimes(self, product: Product) -> None:
        """Once they do, new keys and new expiries hold to it; what is there stays."""
        old = product.make_key(["tasks:read"])
        days = {"api_key_max_days": 30}
        assert 200 == ask(product, "PATCH", "/settings/server", days).status
        soon, late = (rfc3339(START + timedelta(days=n)) for n in (29, 31))
        wishes: tuple[dict[str, str], ...] = ({}, {"expires_at": late}, {"expires_at": soon})
        found = [outcome(ask(product, "POST", "/api-keys", KEY | w)) for w in wishes]
        assert [(422, "api_key_lifetime"), (422, "api_key_lifetime"), (201, "")] == found
        path = f"/api-keys/{old['id']}"
        renamed = ask(product, "PATCH", path, {"name": "kept"})
        longer = ask(product, "PATCH", path, {"expires_at": late})
        assert [(200, ""), (422, "api_key_lifetime")] == [outcome(renamed), outcome(longer)]


class TestRotation:
    """A new secret, and for a while the old one."""

    def test_both_work_for_the_grace(self, product: Product) -> None:
        """A day by default; then the old one is told what happened."""
        made = product.make_key(["tasks:read"])
        rotated = ask(product, "POST", f"/api-keys/{made['id']}/rotate", {})
        assert (200, 2) == (rotated.status, rotated.json["version"])
        secrets = [made["secret"], rotated.json["secret"]]
        assert secrets[0] != secrets[1]
        product.world.clock.advance(seconds=86_399)
        assert [200, 200] == [use(product, s).status for s in secrets]
        product.world.clock.advance(seconds=1)
        assert [(401, "api_key_rotated"), (200, "")] == [outcome(use(product, s)) for s in secrets]

    @pytest.mark.parametrize("grace_s", [0, 5])
    def test_the_grace_can_be_chosen(self, product: Product, grace_s: int) -> None:
        """None at all where the secret leaked."""
        made = product.make_key(["tasks:read"])
        path = f"/api-keys/{made['id']}/rotate"
        assert 200 == ask(product, "POST", path, {"grace_s": grace_s}).status
        product.world.clock.advance(seconds=grace_s)
        assert (401, "api_key_rotated") == outcome(use(product, made["secret"]))

    def test_only_two_secrets_work_at_a_time(self, product: Product) -> None:
        """The one before the last is out at the next rotation."""
        made = product.make_key(["tasks:read"])
        path = f"/api-keys/{made['id']}/rotate"
        second = ask(product, "POST", path, {}).json["secret"]
        third = ask(product, "POST", path, {}).json["secret"]
        found = [outcome(use(product, s)) for s in (made["secret"], second, third)]
        assert [(401, "api_key_rotated"), (200, ""), (200, "")] == found

    def test_revoking_ends_both(self, product: Product) -> None:
        """The old secret does not outlive the key."""
        made = product.make_key(["tasks:read"])
        second = ask(product, "POST", f"/api-keys/{made['id']}/rotate", {}).json["secret"]
        ask(product, "DELETE", f"/api-keys/{made['id']}")
        found = [outcome(use(product, s)) for s in (made["secret"], second)]
        assert [(401, "api_key_revoked")] * 2 == found

    @pytest.mark.parametrize(
        ("method", "more", "body"),
        [("POST", "/rotate", {}), ("PATCH", "", {"name": "late"}), ("DELETE", "", None)],
    )
    def test_of_two_at_once_one_is_told_to_read_again(
        self, product: Product, method: str, more: str, body: object
    ) -> None:
        """What was decided on a key that has changed meanwhile is not done."""
        made = product.make_key(["tasks:read"])
        path = f"/api-keys/{made['id']}"
        faster: list[Answer] = []
        product.world.dynamodb.faults = before_write(
            "identity", lambda: faster.append(ask(product, "POST", path + "/rotate", {}))
        )
        slower = ask(product, method, path + more, body)
        assert ([200], (409, "conflict")) == ([a.status for a in faster], outcome(slower))
        for secret in (made["secret"], faster[0].json["secret"]):
            assert 200 == use(product, secret).status

    @pytest.mark.parametrize("mode", [FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER])
    @pytest.mark.parametrize("ordinal", range(1, 9))
    def test_again_after_a_crash(self, product: Product, ordinal: int, mode: FaultMode) -> None:
        """The same request gives a secret that works, and the one before keeps its grace."""
        made = product.make_key(["tasks:read"])
        path = f"/api-keys/{made['id']}/rotate"
        headers = {"idempotency-key": "rotate-1", "if-match": '"1"'}
        product.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
        with suppress(CrashError):
            ask(product, "POST", path, {}, headers=headers)
        product.world.dynamodb.faults = None
        product.world.clock.advance(seconds=40)
        again = ask(product, "POST", path, {}, headers=headers)
        assert 200 == again.status, again.text
        for secret in (made["secret"], again.json["secret"]):
            assert 200 == use(product, secret).status


class TestFaults:
    """Crashes and lost answers."""

    @pytest.mark.parametrize("mode", [FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER])
    @pytest.mark.parametrize("ordinal", range(1, 9))
    def test_making_a_key_again_after_a_crash(
        self, product: Product, ordinal: int, mode: FaultMode
    ) -> None:
        """One key, whose secret works, wherever the first attempt died."""
        headers = {"idempotency-key": "make-1"}
        product.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
        with suppress(CrashError):
            ask(product, "POST", "/api-keys", KEY, headers=headers)
        product.world.dynamodb.faults = None
        product.world.clock.advance(seconds=40)
        again = ask(product, "POST", "/api-keys", KEY, headers=headers)
        assert 201 == again.status, again.text
        assert 200 == use(product, again.json["secret"]).status
        assert 2 == len(ask(product, "GET", "/api-keys").json["items"])
        (ring,) = [row for row in items_of_keys(product) if row["sk"] == "KEYRING"]
        assert 2 == ring["count"]

    def test_what_cannot_be_audited_is_not_done(self, product: Product) -> None:
        """No key is made, changed, rotated or revoked without its event."""
        before = items_of_keys(product)
        product.world.dynamodb.delete_table(TableName="audit")
        path = f"/api-keys/{product.ids['key_id']}"
        answers = (
            ask(product, "POST", "/api-keys", KEY),
            ask(product, "PATCH", path, {"name": "x"}),
            ask(product, "POST", path + "/rotate", {}),
            ask(product, "DELETE", path),
        )
        assert {500} == {a.status for a in answers}
        assert before == items_of_keys(product)
