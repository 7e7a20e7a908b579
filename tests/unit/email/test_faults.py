"""Each call to the tables goes wrong once, in each way, in a mail's life."""

import pytest
from botocore.exceptions import ClientError

from nightshift.aws.dynamo import Table, TransactionConflictError
from nightshift.core.errors import UnavailableError
from nightshift.email.model import Template
from nightshift.email.store import MailStore
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.unit.email.scene import START, Post
from tests.unit.email.test_sending import ORDER

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

MODES = [
    FaultMode.CRASH_BEFORE,
    FaultMode.CRASH_AFTER,
    FaultMode.ERROR,
    FaultMode.ERROR_AFTER,
    FaultMode.ANSWER_LOST,
]
DIED = (CrashError, ClientError, UnavailableError, TransactionConflictError)


def _ask(post: Post) -> None:
    """Ask for one mail until the answer is heard, as a client with a key would."""
    for _ in range(3):
        try:
            post.send(Template.WELCOME, key="once", writes=[ORDER])
        except DIED:
            post.dynamo.faults.revive()  # type: ignore[union-attr]  # the plan of this test
        else:
            return


def _calls_in_a_life() -> int:
    post = Post()
    plan = post.dynamo.faults = FaultPlan()
    _ask(post)
    post.world.run_for(seconds=3)
    calls = plan.calls
    assert ["sent"] == post.outcomes()
    return calls


CALLS = _calls_in_a_life()


@pytest.mark.parametrize("mode", MODES)
def test_no_fault_in_the_tables_loses_a_mail(mode: FaultMode) -> None:
    """Whichever call fails, the mail is sent, at most twice, and what goes with it is done once.

    Twice only where the fault hit what is written after the hand-over.
    """
    doubled = 0
    for ordinal in range(1, CALLS + 1):
        post = Post()
        post.dynamo.faults = FaultPlan({ordinal: Fault(mode=mode)}, stays_dead=True)
        _ask(post)
        post.settle(minutes=12)
        told = f"{mode} at call {ordinal}"
        assert (told, ["sent"]) == (told, [o.replace("already_", "") for o in post.outcomes()])
        assert (told, 1) == (told, len(post.rows("shop")))
        assert 1 <= len(post.deliverer.mails) <= 2, told
        doubled += len(post.deliverer.mails) == 2
    assert doubled <= (0 if mode is FaultMode.ANSWER_LOST else 1), mode


def test_a_late_attempt_does_not_take_back_anothers_claim() -> None:
    """Who learns late that its hand-over failed frees its own claim alone."""
    dynamo = FakeDynamoDB(["email"])
    table = Table(dynamo, "email")  # type: ignore[arg-type]  # the fake's door
    store = MailStore(table, retention_s=60)
    for token in ("early", "later"):
        assert store.claim("mail", token=token, now=START).granted
    store.release("mail", token="early")
    assert not store.claim("mail", token="third", now=START).granted
    store.release("mail", token="later")
    assert store.claim("mail", token="third", now=START).granted


def test_the_last_hand_over_is_not_lost_with_an_answer() -> None:
    """A claim whose answer was lost is known again, though no other would be granted."""
    dynamo = FakeDynamoDB(["email"])
    store = MailStore(Table(dynamo, "email"), retention_s=60)  # type: ignore[arg-type]  # the fake
    assert store.claim("mail", token="early", now=START).granted
    dynamo.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    assert store.claim("mail", token="later", now=START).granted
