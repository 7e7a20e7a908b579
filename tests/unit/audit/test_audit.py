"""The audit log in its table: what is kept, and who finds it how."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
from nightshift.core.clock import ManualClock
from tests.contract.door import START, make_world
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import Fault, FaultMode
from tests.unit.audit.events import ADA, BOB, KEEP, event


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


def test_positions_sort_by_time() -> None:
    """Also over the end of a day, and before and after any year that is in use."""
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=3_000 * n) for n in range(30)]
    positions = [keys.position(moment, "x") for moment in moments]
    assert positions == sorted(positions)
    assert [f"{m:%Y-%m-%d}" for m in moments] == [keys.day_of(p) for p in positions]
