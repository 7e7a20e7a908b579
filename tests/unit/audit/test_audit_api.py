"""The audit log through the door: own for a user, all for an administrator, and as a file."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from nightshift.audit import keys
from nightshift.audit.items import from_event
from nightshift.audit.model import AuditEvent
from nightshift.aws.dynamo import marshal_item
from nightshift.core.clock import rfc3339
from tests.contract.apps import Product, make_product
from tests.contract.door import START, Answer, register
from tests.unit.audit.events import KEEP, event


@pytest.fixture
def product() -> Product:
    """The whole API with two administrators, root and the user."""
    return make_product()


def ask(product: Product, path: str, token: str = "", **query: str) -> Answer:
    """Ask as the user, or with another token."""
    return product.door("GET", path, query=query, token=token or product.token)


class TestReading:
    """Own for a user, all for whoever may read all."""

    def test_administrators_see_all_and_filter(self, product: Product) -> None:
        """By actor, by action, by time."""
        roots = product.root["user"]["id"]
        every = ask(product, "/audit", limit="100").json["items"]
        assert {"role.created", "user.roles_changed", "api_key.created"} <= {
            e["action"] for e in every
        }
        assert {roots, product.user_id} <= {e["actor_id"] for e in every}
        mine = ask(product, "/audit", actor=product.user_id).json["items"]
        assert {product.user_id} == {e["actor_id"] for e in mine}
        keys_made = ask(product, "/audit", action="api_key.created").json["items"]
        assert {"api_key.created"} == {e["action"] for e in keys_made}
        later = rfc3339(START + timedelta(hours=1))
        assert [] == ask(product, "/audit", since=later).json["items"]
        assert every == ask(product, "/audit", until=later, limit="100").json["items"]

    def test_users_see_what_they_did_and_what_was_done_to_them(self, product: Product) -> None:
        """And not from where the administrator did it."""
        product.set_roles("member")
        roots = product.root["user"]["id"]
        found = ask(product, "/audit").json["items"]
        expected = [
            ("api_key.created", product.user_id, "203.0.113.7"),
            ("auth.login", product.user_id, "203.0.113.7"),
            ("auth.register", product.user_id, "203.0.113.7"),
            ("user.roles_changed", roots, None),
            ("user.roles_changed", roots, None),
        ]
        assert expected == sorted((e["action"], e["actor_id"], e["address"]) for e in found)
        concerned = [{e["actor_id"], (e["subject"] or "")[5:]} for e in found]
        assert all(product.user_id in people for people in concerned)

    def test_users_do_not_see_others(self, product: Product) -> None:
        """Asking for somebody else is refused, asking for oneself is not."""
        product.set_roles("viewer")
        others = ask(product, "/audit", actor=product.root["user"]["id"])
        assert (403, "forbidden") == (others.status, others.error)
        assert 403 == ask(product, "/audit/export.csv", actor=product.root["user"]["id"]).status
        assert 200 == ask(product, "/audit", actor=product.user_id).status

    def test_a_key_sees_all_only_with_that_scope(self, product: Product) -> None:
        """An administrator's key with audit:read alone sees the administrator's own."""
        own, every = (
            product.make_key(scopes)["secret"]
            for scopes in (["audit:read"], ["audit:read", "audit:read-all"])
        )
        roots = product.root["user"]["id"]
        assert [403, 200] == [
            ask(product, "/audit", token=key, actor=roots).status for key in (own, every)
        ]

    def test_pages_follow_one_another(self, product: Product) -> None:
        """With filters bound into the cursor."""
        for number in range(3):
            product.world.clock.advance(seconds=1)
            product.make_role(f"r{number}", [])
        every = ask(product, "/audit", limit="100").json["items"]
        found, cursor = [], ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = ask(product, "/audit", limit="2", **more).json
            found += page["items"]
            cursor = page["next_cursor"] or ""
            if not cursor:
                break
            elsewhere = ask(product, "/audit", cursor=cursor, action="role.created")
            assert (400, "invalid_cursor") == (elsewhere.status, elsewhere.error)
        assert (every, True) == (found, len(every) > 3)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("actor", "root"),
            ("action", "Role.Created"),
            ("action", "x"),
            ("since", "yesterday"),
            ("until", "2026-11-22T12:00:00"),
            ("since", "0001-01-01T00:00:00+14:00"),
        ],
    )
    def test_filters_that_are_none(self, product: Product, name: str, value: str) -> None:
        """422 names the parameter."""
        answer = ask(product, "/audit", **{name: value})
        assert (422, [name]) == (answer.status, [e["field"] for e in answer.json["errors"]])

    @pytest.mark.parametrize("time", ["0001-01-02T00:00:00Z", "9999-12-31T23:59:59Z"])
    @pytest.mark.parametrize("name", ["since", "until"])
    def test_times_at_the_edge_are_times(self, product: Product, name: str, time: str) -> None:
        """The first and the last day there are."""
        assert 200 == ask(product, "/audit", **{name: time}).status


class TestExport:
    """A CSV file that no spreadsheet runs, of bounded size."""

    def rows(self, answer: Answer) -> list[dict[str, str]]:
        """Return the file's rows."""
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))

    def seed(self, product: Product, events: Iterator[AuditEvent]) -> None:
        """Put events of the user without going through the API."""
        pk = keys.person_pk(product.user_id)
        items = (marshal_item(from_event(one, pk, KEEP)) for one in events)
        product.world.dynamodb.seed("audit", items)

    def test_the_file_is_the_list(self, product: Product) -> None:
        """Same events, same order, with a line of headers."""
        answer = ask(product, "/audit/export.csv")
        assert "text/csv; charset=utf-8; header=present" == answer.headers["content-type"]
        assert 'attachment; filename="audit.csv"' == answer.headers["content-disposition"]
        listed = ask(product, "/audit", limit="100").json["items"]
        rows = self.rows(answer)
        assert [e["id"] for e in listed] == [r["id"] for r in rows]
        for one, row in zip(listed, rows, strict=True):
            assert (one["action"], one["at"], one["actor_id"]) == (
                row["action"],
                row["at"],
                row["actor_id"],
            )
            assert one["detail"] == json.loads(row["detail"] or "{}")
        assert "link" not in answer.headers

    def test_no_cell_is_a_formula(self, product: Product) -> None:
        """Whatever somebody managed to have written into the log."""
        product.set_roles("member")
        evil = '=HYPERLINK("http://evil.example","x")'
        self.seed(product, iter([event(actor_id=product.user_id, subject=evil, address="@x")]))
        (row,) = [r for r in self.rows(ask(product, "/audit/export.csv")) if "evil" in r["subject"]]
        assert ("'" + evil, "'@x") == (row["subject"], row["address"])

    def test_many_events_make_several_files(self, product: Product) -> None:
        """Ten thousand a file, and a link to the next."""
        product.set_roles("member")
        before = len(self.rows(ask(product, "/audit/export.csv")))
        times = (START + timedelta(seconds=n) for n in range(10_020))
        self.seed(product, (event(at, actor_id=product.user_id) for at in times))
        product.world.clock.set(START + timedelta(minutes=10))
        token, since = product.sign_in(), "since=2026-11-22T00:00:00Z"
        before += 1  # that sign-in
        first = product.door("GET", "/audit/export.csv", token=token, query=since)
        target, _, rel = first.headers["link"].partition("; ")
        assert (10_000, 'rel="next"') == (len(self.rows(first)), rel)
        path, _, query = target.strip("<>").partition("?")
        second = product.door("GET", path.removeprefix("/api/v1"), token=token, query=query)
        assert "link" not in second.headers
        ids = [r["id"] for answer in (first, second) for r in self.rows(answer)]
        assert (10_020 + before, 10_020 + before) == (len(ids), len(set(ids)))

    def test_large_events_end_a_file_earlier(self, product: Product) -> None:
        """Each file fits an answer of Lambda."""
        product.set_roles("member")
        detail = {"text": '"' * 990}
        times = (START + timedelta(seconds=n) for n in range(3_000))
        self.seed(product, (event(at, actor_id=product.user_id, detail=detail) for at in times))
        answer = ask(product, "/audit/export.csv")
        assert (200, True) == (answer.status, "link" in answer.headers)
        assert 4_000_000 <= len(answer.text) <= 5_900_000


def test_nothing_is_scanned_or_changed(product: Product) -> None:
    """The log is asked by key and only ever put to."""
    product.world.dynamodb.meter.reset()
    for path in ("/audit", "/audit/export.csv"):
        ask(product, path)
    product.set_roles("viewer")
    used = {c.operation for c in product.world.dynamodb.meter.calls if c.table == "audit"}
    assert {"Query", "PutItem", "TransactWriteItems"} >= used > {"Query"}


def test_the_log_begins_with_the_account(product: Product) -> None:
    """Nothing of others shows up in a new account's log."""
    bob = register(product.door, "bob@example.com")
    found = ask(product, "/audit", token=bob["access_token"]).json["items"]
    assert [("auth.register", bob["user"]["id"])] == [(e["action"], e["actor_id"]) for e in found]
