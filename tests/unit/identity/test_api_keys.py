"""API keys: what they may do, each way in which one can be wrong, and their whole life."""

import hashlib
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.core.access import NEVER_FOR_KEYS, Permission
from nightshift.core.clock import rfc3339
from nightshift.identity.api_keys.errors import ApiKeyChecksumError, ApiKeyMalformedError
from nightshift.identity.api_keys.model import is_within, plain_cidrs
from nightshift.identity.api_keys.secret import checksum, hash_of, new_secret
from tests.contract.apps import GENEROUS, Product, make_product
from tests.contract.door import START, Answer, Door, register
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.interleave import before_write

BODY = {"name": "ci", "scopes": ["tasks:read"]}
UNKNOWN = "nsk_" + "a" * 30 + checksum("a" * 30)


@pytest.fixture
def product() -> Product:
    """The whole API; the user is an administrator and has one key already."""
    return make_product()


def ask(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as the user, signed in."""
    return product.door(method, path, json_body=body, token=product.token, **more)


def use(product: Product, secret: str, door: Door | None = None) -> Answer:
    """Use a key."""
    return (door or product.door)("GET", "/tasks", token=secret)


def outcome(answer: Answer) -> tuple[int, str]:
    """Return the status and the slug."""
    return answer.status, answer.error if answer.status >= 400 else ""


def identity_calls(product: Product) -> list[str]:
    """Return the operations on the identity table since the meter was reset."""
    return [c.operation for c in product.world.dynamodb.meter.calls if c.table == "identity"]


def items_of_keys(product: Product) -> list[dict[str, Any]]:
    """Return every item that has to do with API keys."""
    return [
        row
        for row in product.world.rows("identity")
        if row["pk"].startswith("NSK#") or row["sk"].startswith(("APIKEY#", "KEYRING"))
    ]


class TestText:
    """What a key looks like."""

    @pytest.mark.parametrize(
        ("body", "crc", "digits"),
        [
            ("0" * 30, 2_011_552_642, "2C8GjS"),
            ("abcdefghijklmnopqrstuvwxyzABCD", 4_246_480_780, "4dNndU"),
            ("", 0, "000000"),
        ],
    )
    def test_the_checksum_is_crc32_in_base62(self, body: str, crc: int, digits: str) -> None:
        """Most significant digit first: 0-9, A-Z, a-z; keys that are out there depend on it."""
        assert (crc, digits) == (zlib.crc32(body.encode()), checksum(body))

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_new_ones_are_well_formed(self, random: Any) -> None:
        """nsk_, 30 characters of base62, 6 of checksum; and they are taken as such."""
        secret = new_secret(random.randbytes)
        assert re.fullmatch(r"nsk_[0-9A-Za-z]{36}", secret)
        assert hashlib.sha256(secret.encode()).hexdigest() == hash_of(secret)

    def test_every_character_is_as_likely(self) -> None:
        """Bytes that would favour some characters are drawn again."""
        drawn = iter([bytes([248, 255] * 15), bytes(range(30))])
        secret = new_secret(lambda _: next(drawn))
        assert "0123456789ABCDEFGHIJKLMNOPQRST" == secret[4:34]

    @given(st.integers(4, 39), st.sampled_from("0Az9_-é "))
    @settings(max_examples=150, deadline=None)
    def test_one_wrong_character_is_noticed(self, place: int, character: str) -> None:
        """Wherever it stands: CRC-32 finds every error of so few bits."""
        secret = new_secret(lambda n: bytes(range(n)))
        wrong = secret[:place] + character + secret[place + 1 :]
        if wrong != secret:
            with pytest.raises((ApiKeyChecksumError, ApiKeyMalformedError)):
                hash_of(wrong)

    @pytest.mark.parametrize("tail", ["", "\n", "x", "0" * 100])
    def test_a_wrong_length_is_noticed(self, tail: str) -> None:
        """Neither more nor less than forty characters."""
        secret = new_secret(lambda n: bytes(range(n)))
        with pytest.raises(ApiKeyMalformedError):
            hash_of(secret + tail if tail else secret[:-1])


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
        """The key of a deleted account is refused, and nothing of it is left."""
        bob = register(product.door, "bob@example.com")
        made = product.door("POST", "/api-keys", json_body=BODY, token=bob["access_token"]).json
        before = len(items_of_keys(product))
        assert 200 == use(product, made["secret"]).status
        product.door("DELETE", "/users/me", token=bob["access_token"])
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
        answer = ask(product, "POST", "/api-keys", BODY | {"scopes": ["tasks:read", scope]})
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
        made = ask(product, "POST", "/api-keys", BODY).json
        more = {"scopes": ["tasks:read", "users:read"]}
        for answer in (
            ask(product, "POST", "/api-keys", BODY | more),
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


class TestLife:
    """From making to revoking."""

    def test_the_secret_is_shown_once_and_stored_as_a_hash(self, product: Product) -> None:
        """Neither a list nor the table has it."""
        made = ask(product, "POST", "/api-keys", BODY)
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
        first = ask(product, "POST", "/api-keys", BODY, headers=headers)
        again = ask(product, "POST", "/api-keys", BODY, headers=headers)
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
            made = list(
                pool.map(lambda _: ask(product, "POST", "/api-keys", BODY), range(most + 4))
            )
        assert (most - 1, 5) == (
            sum(a.status == 201 for a in made),
            sum(outcome(a) == (409, "api_key_limit") for a in made),
        )
        for _ in range(2):
            ask(product, "DELETE", f"/api-keys/{product.ids['key_id']}")
        left = [ask(product, "POST", "/api-keys", BODY).status for _ in range(2)]
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
        answer = ask(product, "POST", "/api-keys", BODY | change)
        assert (422, [field]) == (answer.status, [e["field"] for e in answer.json["errors"]])
        assert before == product.stored()

    def test_administrators_bound_lifetimes(self, product: Product) -> None:
        """Once they do, new keys and new expiries hold to it; what is there stays."""
        old = product.make_key(["tasks:read"])
        days = {"api_key_max_days": 30}
        assert 200 == ask(product, "PATCH", "/settings/server", days).status
        soon, late = (rfc3339(START + timedelta(days=n)) for n in (29, 31))
        wishes: tuple[dict[str, str], ...] = ({}, {"expires_at": late}, {"expires_at": soon})
        found = [outcome(ask(product, "POST", "/api-keys", BODY | w)) for w in wishes]
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
            ask(product, "POST", "/api-keys", BODY, headers=headers)
        product.world.dynamodb.faults = None
        product.world.clock.advance(seconds=40)
        again = ask(product, "POST", "/api-keys", BODY, headers=headers)
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
            ask(product, "POST", "/api-keys", BODY),
            ask(product, "PATCH", path, {"name": "x"}),
            ask(product, "POST", path + "/rotate", {}),
            ask(product, "DELETE", path),
        )
        assert {500} == {a.status for a in answers}
        assert before == items_of_keys(product)


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


@pytest.mark.parametrize(
    ("address", "cidrs", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("10.1.2.3", ["192.0.2.0/24", "10.1.2.3/32"], True),
        ("::1", ["0.0.0.0/0"], False),
        ("::1", ["::/0"], True),
        ("", ["0.0.0.0/0"], False),
        ("10.1.2.3, 1.1.1.1", ["10.0.0.0/8"], False),
        ("fe80::1%eth0", ["fe80::/10"], True),
    ],
)
def test_networks(address: str, cidrs: list[str], expected: bool) -> None:
    """An address is in a network or it is not; a text that is none is in no network."""
    assert expected == is_within(address, cidrs)


def test_networks_have_one_spelling() -> None:
    """And each stands once."""
    texts = ["192.0.2.1", "192.0.2.1/32", "2001:DB8:0::/32"]
    assert ("192.0.2.1/32", "2001:db8::/32") == plain_cidrs(texts)
