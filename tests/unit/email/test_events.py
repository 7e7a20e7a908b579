"""What SES tells becomes a suppression, once, and only where it should."""

import json
from pathlib import Path
from typing import Any

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.clock import ManualClock
from nightshift.email.addresses import read_address
from nightshift.email.events import MailEvents
from nightshift.email.model import Suppression
from nightshift.email.suppression import Suppressions
from nightshift.observability import make_log
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.email.scene import START

SAMPLES = Path(__file__).resolve().parents[3] / "events" / "mail_events"
ADDRESS = read_address("nobody@example.com")


class Scene:
    """The function over a table."""

    def __init__(self) -> None:
        self.dynamo = FakeDynamoDB(["email"])
        table = Table(self.dynamo, "email")  # type: ignore[arg-type]  # the fake's door
        self.clock = ManualClock(START)
        self.list = Suppressions(table, self.clock)
        self.events = MailEvents(self.list, make_log(service="test"))

    def take(self, name: str, **changed: Any) -> None:
        """Take a sample with parts of its bounce or complaint changed."""
        event = json.loads((SAMPLES / f"{name}.json").read_text())
        kind = "complaint" if name == "complaint" else "bounce"
        event["detail"][kind] |= changed
        self.events.take(event)

    @property
    def listed(self) -> list[Suppression]:
        """Return the list."""
        return self.list.page(after=None, limit=100)[0]


def test_a_bounce_for_good_suppresses() -> None:
    """With what the receiving server said."""
    scene = Scene()
    scene.take("bounce")
    (entry,) = scene.listed
    assert ("nobody@example.com", "bounce", "smtp; 550 5.1.1 user unknown") == (
        entry.email,
        entry.reason,
        entry.detail,
    )
    assert entry == scene.list.find(ADDRESS)


def test_a_complaint_suppresses() -> None:
    """Whoever calls it spam gets no more."""
    scene = Scene()
    scene.take("complaint")
    assert ["complaint"] == [entry.reason for entry in scene.listed]


def test_a_passing_failure_does_not() -> None:
    """A full mailbox, a slow server, an undetermined bounce; nor who takes a mail out of spam."""
    scene = Scene()
    scene.take("soft_bounce")
    scene.take("bounce", bounceType="Undetermined")
    scene.take("complaint", complaintFeedbackType="not-spam")
    assert [] == scene.listed


def test_an_event_that_comes_twice_is_one() -> None:
    """The first reason stays."""
    scene = Scene()
    for name in ("bounce", "bounce", "complaint"):
        scene.take(name)
        scene.clock.advance(seconds=60)
    assert [("bounce", START)] == [(e.reason, e.since.replace(microsecond=0)) for e in scene.listed]


def test_an_answer_that_was_lost_makes_no_second_entry() -> None:
    """The SDK repeats the write and meets its own first one."""
    scene = Scene()
    scene.dynamo.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    scene.take("bounce")
    assert 1 == len(scene.listed)


def test_a_failing_table_is_told_to_lambda() -> None:
    """So that the event is tried again, and kept in the end."""
    scene = Scene()
    scene.dynamo.faults = FaultPlan({1: Fault(mode=FaultMode.ERROR)})
    with pytest.raises(Exception, match="made to fail"):
        scene.take("bounce")
    scene.take("bounce")
    assert 1 == len(scene.listed)


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        None,
        [{}],
        [{"emailAddress": ""}],
        [{"emailAddress": "nonsense"}],
        [{"emailAddress": "a@b@c"}],
    ],
)
def test_what_is_not_understood_is_let_pass(recipients: Any) -> None:
    """A retry would not make it clearer."""
    scene = Scene()
    scene.take("bounce", bouncedRecipients=recipients)
    scene.events.take({})
    scene.events.take({"detail": {"eventType": "Bounce"}})
    scene.events.take({"detail": {"eventType": "Delivery"}})
    assert [] == scene.listed


def test_an_address_with_its_name_is_read() -> None:
    """Some servers report what stood in the header."""
    scene = Scene()
    scene.take("bounce", bouncedRecipients=[{"emailAddress": "No One <Nobody@Example.com>"}])
    assert scene.list.find(ADDRESS) is not None


def test_the_list_is_read_page_by_page() -> None:
    """Newest first, none twice, none left out."""
    scene = Scene()
    for number in range(7):
        scene.take("bounce", bouncedRecipients=[{"emailAddress": f"u{number}@example.com"}])
        scene.clock.advance(seconds=1)
    pages, after = [], None
    while True:
        found, after = scene.list.page(after=after, limit=3)
        pages.append([entry.email[1] for entry in found])
        if after is None:
            break
    assert [["6", "5", "4"], ["3", "2", "1"], ["0"]] == pages
