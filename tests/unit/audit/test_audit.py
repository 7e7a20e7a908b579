"""The audit log: what is kept, who finds it how, and that nobody changes it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightshift.audit import keys
from nightshift.audit.items import from_event
from nightshift.audit.model import AuditEvent, Outcome, Wanted
from nightshift.audit.service import Audit
from nightshift.audit.store import MAX_EXAMINED, AuditStore
from nightshift.aws.dynamo import ConditionFailedError, Table, marshal_item
from nightshift.core.clock import ManualClock, rfc3339
from nightshift.core.ids import derived_id
from tests.contract.apps import Product, make_product
from tests.contract.door import START, Answer, make_world, register
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import Fault, FaultMode

KEEP = timedelta(days=400)
ADA = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e"
BOB = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9f"
_NUMBERS = numbers()


@pytest.fixture
def product() -> Product:
    """The whole API with two administrators, root and the user."""
    return make_product()


def ask(product: Product, path: str, token: str = "", **query: str) -> Answer:
    """Ask as the user, or with another token."""
    return product.door("GET", path, query=query, token=token or product.token)


def event(at: datetime = START, **more: Any) -> AuditEvent:
    """Return an event; each has an id of its own."""
    said: dict[str, Any] = {
        "action": "toy.made",
        "outcome": Outcome.SUCCESS,
        "actor_id": ADA,
        "subject": None,
        "address": "203.0.113.7",
        "detail": {},
    }
    return AuditEvent(event_id=derived_id(at, str(next(_NUMBERS))), at=at, **(said | more))


def make_store(dynamodb: FakeDynamoDB | None = None) -> AuditStore:
    """Return a store over an empty table."""
    table = Table(dynamodb or FakeDynamoDB(["audit"]), "audit")  # type: ignore[arg-type]  # the fake has the methods used
    return AuditStore(table, keep=KEEP)


def pages(store: AuditStore, wanted: Wanted, now: datetime, limit: int) -> Iterator[AuditEvent]:
    """Yield all events page by page."""
    after = None
    while True:
        found, after = store.page(wanted, now=now, after=after, limit=limit)
        assert len(found) <= limit
        yield from found
        if after is None:
            return


class TestFinding:
    """By person, by actor, by action, by time, and by all of them together."""

    @given(
        seeds=st.lists(
            st.tuples(
                st.integers(0, 5 * 86_400_000),
                st.sampled_from([ADA, BOB, None]),
                st.sampled_from([f"user:{ADA}", f"user:{BOB}", "role:x", None]),
                st.sampled_from(["toy.made", "toy.broken"]),
            ),
            max_size=25,
        ),
        wanted=st.builds(
            Wanted,
            person=st.sampled_from([None, ADA]),
            actor=st.sampled_from([None, ADA, BOB]),
            action=st.sampled_from([None, "toy.made"]),
            since=st.none() | st.integers(0, 120).map(lambda h: START + timedelta(hours=h)),
            until=st.none() | st.integers(0, 120).map(lambda h: START + timedelta(hours=h)),
        ),
        limit=st.integers(1, 7),
    )
    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_every_way_finds_exactly_what_fits(
        self, seeds: list[tuple[int, str, str, str]], wanted: Wanted, limit: int
    ) -> None:
        """Each event once, newest first, whatever the pages' size."""
        dynamodb = FakeDynamoDB(["audit"], strict=False)
        store = make_store(dynamodb)
        events = [
            event(START + timedelta(milliseconds=ms), actor_id=who, subject=what, action=action)
            for ms, who, what, action in seeds
        ]
        for one in events:
            store.add(one)
        expected = [
            one
            for one in events
            if wanted.person in {None, *one.people()}
            and wanted.actor in {None, one.actor_id}
            and wanted.action in {None, one.action}
            and (wanted.since is None or one.at >= wanted.since)
            and (wanted.until is None or one.at <= wanted.until)
        ]
        expected.sort(key=lambda one: (one.at, one.event_id), reverse=True)
        found = list(pages(store, wanted, START + timedelta(days=6), limit))
        assert expected == found

    def test_what_is_older_than_the_log_keeps_is_not_shown(self) -> None:
        """Even while the table still has it."""
        store = make_store()
        store.add(event(START))
        for days, expected in ((399, 1), (401, 0)):
            now = START + timedelta(days=days)
            for wanted in (Wanted(), Wanted(person=ADA), Wanted(action="toy.made")):
                assert expected == len(list(pages(store, wanted, now, 10)))

    def test_a_page_costs_what_it_shows(self) -> None:
        """Two thousand events of one day, or of a hundred days: no query reads them all."""
        dynamodb = FakeDynamoDB(["audit"], strict=False)
        store = make_store(dynamodb)
        for number in range(2_000):
            store.add(event(START + timedelta(minutes=number % 1_200, days=-(number // 1_200))))
        for wanted in (Wanted(), Wanted(person=ADA), Wanted(action="toy.made")):
            dynamodb.meter.reset()
            found, after = store.page(wanted, now=START + timedelta(days=1), after=None, limit=20)
            assert (20, True) == (len(found), after is not None)
            assert dynamodb.meter.read_units <= 12, wanted

    def test_days_without_events_cost_nothing(self) -> None:
        """A year of silence is skipped."""
        dynamodb = FakeDynamoDB(["audit"])
        store = make_store(dynamodb)
        store.add(event(START - timedelta(days=365)))
        store.add(event(START))
        dynamodb.meter.reset()
        assert 2 == len(store.page(Wanted(), now=START, after=None, limit=20)[0])
        assert len(dynamodb.meter.calls) <= 4

    def test_a_search_that_finds_little_stops_and_goes_on(self) -> None:
        """One page reads so many items at most, and says where to go on."""
        dynamodb = FakeDynamoDB(["audit"], strict=False)
        store = make_store(dynamodb)
        rare = event(START, action="toy.broken")
        store.add(rare)
        many = (event(START + timedelta(seconds=n)) for n in range(1, MAX_EXAMINED + 50))
        pk = keys.person_pk(ADA)
        dynamodb.seed("audit", (marshal_item(from_event(one, pk, KEEP)) for one in many))
        wanted, now = Wanted(person=ADA, action="toy.broken"), START + timedelta(days=1)
        found, after = store.page(wanted, now=now, after=None, limit=20)
        assert ([], True) == (found, after is not None)
        assert ([rare], None) == store.page(wanted, now=now, after=after, limit=20)

    def test_a_busy_day_is_spread(self) -> None:
        """No one partition takes all events of a day."""
        slots = {keys.slot(START, event().event_id) for _ in range(200)}
        assert {f"2026-11-22#{n}" for n in range(keys.SHARDS)} == slots

    def test_nothing_is_scanned_or_changed(self, product: Product) -> None:
        """The log is asked by key and only ever put to."""
        product.world.dynamodb.meter.reset()
        for path in ("/audit", "/audit/export.csv"):
            ask(product, path)
        product.set_roles("viewer")
        used = {c.operation for c in product.world.dynamodb.meter.calls if c.table == "audit"}
        assert {"Query", "PutItem", "TransactWriteItems"} >= used > {"Query"}


class TestWriting:
    """Once, for as long as it is kept, without secrets."""

    def make(self, dynamodb: FakeDynamoDB) -> tuple[Audit, Any]:
        """Return the service over the table, and what it logs to."""
        world = make_world()
        return Audit(store=make_store(dynamodb), clock=ManualClock(START), log=world.log), world

    def test_an_event_is_kept_whole(self) -> None:
        """Who, what, on what, when, from where, and how it ended."""
        dynamodb = FakeDynamoDB(["audit"])
        audit, _ = self.make(dynamodb)
        audit.record(
            "login.refused",
            actor_id=None,
            subject=f"user:{ADA}",
            outcome="failure",
            address="203.0.113.7",
            detail={"tries": 3, "locked": False, "ways": ["password"]},
        )
        ((found,), _) = audit.page(Wanted(person=ADA), after=None, limit=5)
        assert (START, "login.refused", None, f"user:{ADA}", Outcome.FAILURE, "203.0.113.7") == (
            found.at,
            found.action,
            found.actor_id,
            found.subject,
            found.outcome,
            found.address,
        )
        assert {"tries": 3, "locked": False, "ways": ["password"]} == found.detail

    def test_what_stands_is_never_written_over(self) -> None:
        """The same event again is refused, and the first stays."""
        dynamodb = FakeDynamoDB(["audit"])
        store = make_store(dynamodb)
        one = event()
        store.add(one)
        before = dynamodb.items("audit")
        with pytest.raises(ConditionFailedError):
            store.add(one)
        assert before == dynamodb.items("audit")

    def test_events_end_with_the_retention(self) -> None:
        """TTL deletes every copy, and the calendar's entry after them."""
        dynamodb = FakeDynamoDB(["audit"])
        make_store(dynamodb).add(event())
        ends = START + KEEP
        moments = (ends, ends + timedelta(seconds=1), ends + timedelta(days=1, seconds=1))
        assert [0, 3, 1] == [dynamodb.expire(moment) for moment in moments]

    def test_secrets_are_masked(self) -> None:
        """By the name of the field and by the look of the text."""
        dynamodb = FakeDynamoDB(["audit"])
        audit, _ = self.make(dynamodb)
        detail = {"password": "hunter22", "said": "my key is nsk_" + "a" * 36, "name": "ok"}
        audit.record(
            "toy.made", actor_id=ADA, subject=None, outcome="success", address=None, detail=detail
        )
        stored = repr(dynamodb.items("audit"))
        found = [word in stored for word in ("hunter22", "aaaa", "ok")]
        assert [False, False, True] == found

    def test_a_detail_that_is_too_long_is_left_out(self) -> None:
        """And that is said."""
        dynamodb = FakeDynamoDB(["audit"])
        audit, _ = self.make(dynamodb)
        audit.record(
            "toy.made",
            actor_id=ADA,
            subject=None,
            outcome="success",
            address=None,
            detail={"text": "x" * 5_000},
        )
        ((found,), _) = audit.page(Wanted(), after=None, limit=5)
        assert {"left_out": True} == found.detail

    @pytest.mark.parametrize("code", ["InternalServerError", "AccessDeniedException"])
    def test_recording_never_fails_the_act(
        self, code: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What cannot be kept is logged with its ids, and counted."""
        dynamodb = FakeDynamoDB(["audit"])
        dynamodb.faults = lambda *_: Fault(mode=FaultMode.ERROR, code=code)
        audit, world = self.make(dynamodb)
        audit.record(
            "login.refused",
            actor_id=None,
            subject=f"user:{ADA}",
            outcome="failure",
            address="203.0.113.7",
        )
        (line,) = world.actions("audit.lost")
        assert ("login.refused", f"user:{ADA}", "failure") == (
            line["event_action"],
            line["subject"],
            line["outcome"],
        )
        assert "203.0.113.7" not in world.logged.getvalue()
        assert "AuditLost" in capsys.readouterr().out

    def test_an_outcome_that_is_none_is_a_mistake(self) -> None:
        """It is the programmer's, so it is not swallowed."""
        audit, _ = self.make(FakeDynamoDB(["audit"]))
        with pytest.raises(ValueError, match="maybe"):
            audit.record("x.y", actor_id=None, subject=None, outcome="maybe", address=None)


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


def test_positions_sort_by_time() -> None:
    """Also over the end of a day, and before and after any year that is in use."""
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=3_000 * n) for n in range(30)]
    positions = [keys.position(moment, "x") for moment in moments]
    assert positions == sorted(positions)
    assert [f"{m:%Y-%m-%d}" for m in moments] == [keys.day_of(p) for p in positions]


def test_the_log_begins_with_the_account(product: Product) -> None:
    """Nothing of others shows up in a new account's log."""
    bob = register(product.door, "bob@example.com")
    found = ask(product, "/audit", token=bob["access_token"]).json["items"]
    assert [("auth.register", bob["user"]["id"])] == [(e["action"], e["actor_id"]) for e in found]
