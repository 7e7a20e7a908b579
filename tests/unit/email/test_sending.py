"""A mail is a job: asked for with the caller's writes, sent once, or said why not."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from nightshift.adapters.mail_memory import MemoryMail
from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Put
from nightshift.email.addresses import read_address
from nightshift.email.errors import BadAddressError, BadMailDataError
from nightshift.email.model import (
    NOTICES,
    AttachedBlob,
    Category,
    SuppressionReason,
    Template,
)
from nightshift.jobs.errors import QueueFullError
from nightshift.ports.mail import (
    MailError,
    MailRefusedError,
    MailThrottledError,
    MailUnavailableError,
    MailUncertainError,
    OutgoingMail,
)
from tests.support.faults import CrashError
from tests.support.mails import EXAMPLES, READER, TOKEN
from tests.support.world import Queued
from tests.unit.email.scene import ADA, SHOP_ROW, Post

ORDER = Put(table="shop", item=SHOP_ROW | {"n": 1}, condition=NOT_EXISTS)


def _fail_once(deliverer: MemoryMail, error: BaseException, *, taken: bool) -> None:
    left = [error]

    def fault(_: OutgoingMail, is_taken: bool) -> None:
        if left and is_taken is taken:
            raise left.pop()

    deliverer.fault = fault


def _always(deliverer: MemoryMail, error: MailError, *, taken: bool = False) -> None:
    def fault(_: OutgoingMail, is_taken: bool) -> None:
        if is_taken is taken:
            raise error

    deliverer.fault = fault


def test_a_mail_is_sent_to_its_address() -> None:
    """Asked for, done by a job, and the job says so."""
    post = Post()
    post.send(Template.VERIFICATION)
    post.settle()
    (mail,) = post.deliverer.mails
    assert ("ada@example.com", "Confirm your email address") == (mail.to, mail.subject)
    assert [("completed", {"outcome": "sent", "template": "verification"}, 1)] == post.jobs()


def test_a_mail_and_its_writes_stand_together() -> None:
    """Both are there, or neither: a refused write leaves no mail, and says which it was."""
    post = Post()
    post.send(writes=[ORDER])
    assert 1 == len(post.rows("shop"))
    with pytest.raises(ConditionFailedError) as refused:
        post.send(Template.WELCOME, writes=[ORDER])
    post.settle()
    assert 0 == refused.value.index
    assert SHOP_ROW["pk"] == (refused.value.item or {})["pk"]
    assert ["sent"] == post.outcomes()


def test_the_second_of_two_writes_is_named() -> None:
    """The index counts the caller's own writes only."""
    post = Post()
    post.send(writes=[ORDER])
    other = Put(table="shop", item={"pk": "ORDER#2", "sk": "-"})
    with pytest.raises(ConditionFailedError) as refused:
        post.send(writes=[other, ORDER])
    assert 1 == refused.value.index
    assert 1 == len(post.rows("shop"))


def test_a_key_makes_a_repeat_send_once() -> None:
    """Asked for again before and after it was sent, the mail goes out once, the writes are one."""
    post = Post()
    for _ in range(3):
        post.send(key="signup", writes=[ORDER])
    post.settle()
    post.send(key="signup", writes=[ORDER])
    post.settle()
    assert ["sent"] == post.outcomes()
    assert 1 == len(post.deliverer.mails)


def test_keys_are_apart_by_template_and_user() -> None:
    """The same word for another mail is another key; without a key every request is a mail."""
    post = Post()
    post.send(Template.WELCOME, key="k")
    post.send(Template.RESET, key="k")
    post.send(Template.WELCOME)
    post.send(Template.WELCOME)
    post.settle()
    assert 4 == len(post.deliverer.mails)


def test_nothing_of_a_mail_lies_in_clear() -> None:
    """Neither the link nor the address is in any table, queue or bucket, before and after."""
    post = Post()
    post.send(Template.RESET)
    before = post.everything_stored()
    post.settle()
    stored = before + post.everything_stored()
    assert 1 == len(post.deliverer.mails)
    assert "email.send" in stored
    assert not [secret for secret in (TOKEN, "ada@example.com") if secret in stored]


def test_a_sealed_mail_cannot_be_moved_to_another() -> None:
    """Content is bound to its mail: another mail's job cannot open it."""
    post = Post()
    post.send(Template.RESET)
    post.send(Template.RESET)
    first, second = sorted(
        (row for row in post.rows("jobs") if "p" in row), key=lambda row: str(row["sk"])
    )
    sealed = first["p"].split('"sealed":"')[1].split('"')[0]
    mine = second["p"].split('"sealed":"')[1].split('"')[0]
    changed = {**second, "p": second["p"].replace(mine, sealed)}
    post.world.machine.parts.table.put(changed)
    post.settle()
    assert ["sent", "failed: mail_unreadable"] == post.outcomes()


def test_the_key_can_be_turned_over_while_mails_wait() -> None:
    """What the old key sealed is opened as long as it is second; once it is gone, it is not."""
    post = Post()
    post.send(Template.RESET)
    post.send(Template.WELCOME, key="later")
    post.key_ring.insert(0, bytes(range(100, 132)))
    post.settle()
    post.send(Template.RESET)
    del post.key_ring[0]
    post.settle()
    assert ["sent", "sent", "failed: mail_unreadable"] == post.outcomes()


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("newsletter", {}),
        ("welcome", {}),
        ("welcome", {"link": "https://a.example", "lnk": "x"}),
        ("welcome", {"link": "javascript:alert(1)"}),
        ("welcome", {"link": "//evil.example/x"}),
        ("welcome", {"link": "/\\evil.example/x"}),
        ("welcome", {"link": "https://a.example/\r\nBcc: x@example.com"}),
        ("verification", {"link": "https://a.example"}),
        ("verification", {"link": "https://a.example", "expires_at": "tomorrow"}),
        ("verification", {"link": "https://a.example", "expires_at": "2026-11-25T14:00:00"}),
        ("export_ready", dict(EXAMPLES[Template.EXPORT_READY]) | {"format": "exe"}),
        ("task_failed", dict(EXAMPLES[Template.TASK_FAILED]) | {"attempts": -1}),
    ],
)
def test_data_that_does_not_fit_is_an_error_at_once(template: str, data: dict[str, object]) -> None:
    """An unknown template, a field too few, too many or of the wrong kind: nothing is enqueued."""
    post = Post()
    with pytest.raises(BadMailDataError) as refused:
        post.mailer.send(to="ada@example.com", template=template, data=data, user_id=ADA)
    assert [] == post.jobs()
    assert "alert(1)" not in refused.value.message


def test_errors_in_data_do_not_tell_the_data() -> None:
    """A message names the field, never its value."""
    post = Post()
    with pytest.raises(BadMailDataError) as refused:
        post.mailer.send(
            to="ada@example.com", template="welcome", data={"link": f"x{TOKEN}"}, user_id=ADA
        )
    assert ["link"] == [fault.field for fault in refused.value.errors]
    assert TOKEN not in repr(refused.value) + repr(refused.value.errors)


def test_what_is_no_address_is_an_error_at_once() -> None:
    """Nothing is enqueued for it."""
    post = Post()
    with pytest.raises(BadAddressError):
        post.send(to="ada@example.com\r\nBcc: eve@example.com")
    assert [] == post.jobs()


def test_a_full_queue_writes_nothing() -> None:
    """The caller is told, and neither mail nor write is there."""
    post = Post()
    post.world.queue.messages = [Queued(post.clock.now(), n, "") for n in range(100_000)]
    with pytest.raises(QueueFullError):
        post.send(writes=[ORDER])
    assert ([], []) == (post.rows("shop"), post.rows("email"))


def test_a_user_who_is_gone_gets_no_mail() -> None:
    """The job ends well and says that nobody was there; asking looks the same for both."""
    post = Post()
    post.mailer.send(
        to="nobody@example.com", template="reset", data=EXAMPLES[Template.RESET], user_id="nobody"
    )
    post.readers.readers.clear()
    post.send(Template.RESET)
    post.settle()
    assert [] == post.deliverer.mails
    assert ["no_recipient"] == post.outcomes()


def test_a_reader_without_given_address_gets_it_at_his_own() -> None:
    """`notify` leaves the address to the time of sending."""
    post = Post()
    post.mailer.notify(ADA, "task_paused", EXAMPLES[Template.TASK_PAUSED])
    post.readers.readers[ADA] = replace(READER, email="ada@new.example.com")
    post.settle()
    assert ["ada@new.example.com"] == [mail.to for mail in post.deliverer.mails]


def test_a_notice_needs_no_key_and_a_secret_is_no_notice() -> None:
    """Who only tells of a task holds no key; a mail with a link that signs in is always sealed."""
    post = Post()
    ring, post.key_ring[:] = list(post.key_ring), []
    post.mailer.notify(ADA, "task_failed", EXAMPLES[Template.TASK_FAILED], key="once")
    post.mailer.notify(ADA, "task_failed", EXAMPLES[Template.TASK_FAILED], key="once")
    post.key_ring[:] = ring
    post.settle()
    assert ["sent"] == post.outcomes()
    for template in (Template.RESET, Template.VERIFICATION, Template.WELCOME):
        with pytest.raises(ValueError, match="no notice"):
            post.mailer.notify(ADA, template, EXAMPLES[template])


def test_what_a_user_does_not_want_is_not_sent() -> None:
    """Only of what can be chosen: a mail about the account comes all the same."""
    post = Post(reader=replace(READER, choices={"weekly_summary": False}))
    for template in (Template.WEEKLY_SUMMARY, Template.MONTHLY_REPORT, Template.RESET):
        post.send(template)
    post.settle()
    assert ["unwanted", "sent", "sent"] == post.outcomes()
    assert 2 == len(post.deliverer.mails)


def test_an_address_that_nobody_proved_gets_no_notices() -> None:
    """Whoever registers a stranger's address cannot write to the stranger by naming a task."""
    post = Post(reader=replace(READER, verified=False))
    told = (*sorted(NOTICES), Template.WELCOME, Template.VERIFICATION, Template.RESET)
    for template in told:
        post.send(template)
    post.settle()
    assert [*["unverified"] * len(NOTICES), "sent", "sent", "sent"] == post.outcomes()
    assert 3 == len(post.deliverer.mails)


def test_a_suppressed_address_is_not_written_to() -> None:
    """However it is spelt, and until it is taken off the list."""
    post = Post()
    entry, _ = post.context.suppressions.add(
        read_address("Ada@Example.com"), SuppressionReason.BOUNCE
    )
    post.send()
    post.settle()
    post.context.suppressions.remove(entry.id)
    post.send()
    post.settle()
    assert ["suppressed", "sent"] == post.outcomes()


def test_a_link_that_has_expired_is_not_mailed() -> None:
    """After an outage longer than the link lives, the mail would only confuse."""
    post = Post()
    _always(post.deliverer, MailUnavailableError())
    expires_at = post.clock.now() + timedelta(minutes=10)
    post.send(data={**EXAMPLES[Template.RESET], "expires_at": expires_at})
    post.settle(minutes=20)
    post.deliverer.fault = lambda _mail, _taken: None
    post.settle(minutes=60)
    assert [] == post.deliverer.mails
    assert ["expired"] == post.outcomes()


def test_a_file_goes_along() -> None:
    """It is read when the mail is sent, from the bucket of payloads."""
    post = Post()
    post.world.blobs.put("reports/1.pdf", b"%PDF-1.7", content_type="application/pdf")
    blob = AttachedBlob(
        key="reports/1.pdf", filename="October 2026.pdf", content_type="application/pdf"
    )
    post.send(Template.MONTHLY_REPORT, attachments=[blob])
    post.settle()
    (mail,) = post.deliverer.mails
    assert [("October 2026.pdf", b"%PDF-1.7")] == [(a.filename, a.data) for a in mail.attachments]


@pytest.mark.parametrize("error", [MailThrottledError(), MailUnavailableError()])
def test_what_certainly_failed_is_tried_again(error: MailError) -> None:
    """More often than a mail may be handed over: such attempts do not count."""
    post = Post()
    left = [error] * 5

    def fault(_: OutgoingMail, taken: bool) -> None:
        if left and not taken:
            raise left.pop()

    post.deliverer.fault = fault
    post.send(Template.WELCOME)
    post.settle(minutes=60)
    assert 1 == len(post.deliverer.mails)
    assert [("completed", 6)] == [(status, tries) for status, _, tries in post.jobs()]


def test_what_was_refused_for_good_is_not_tried_again() -> None:
    """The job fails at once and says why."""
    post = Post()
    _always(post.deliverer, MailRefusedError())
    post.send()
    post.settle(minutes=60)
    assert ["failed: mail_refused"] == post.outcomes()
    assert [1] == [tries for _, _, tries in post.jobs()]


def test_a_deliverer_that_asks_to_wait_is_waited_for() -> None:
    """An hour for a used-up quota is an hour."""
    post = Post()
    _fail_once(post.deliverer, MailThrottledError(retry_after_s=3600), taken=False)
    post.send(Template.WELCOME)
    post.settle(minutes=55)
    assert [] == post.deliverer.mails
    post.settle(minutes=10)
    assert ["sent"] == post.outcomes()


def test_an_answer_that_was_lost_may_send_twice() -> None:
    """The deliverer took it, nobody heard: the next attempt hands over again, and that is all."""
    post = Post()
    _fail_once(post.deliverer, MailUncertainError(), taken=True)
    post.send(Template.WELCOME)
    post.settle(minutes=60)
    first, second = post.deliverer.mails
    assert ["sent"] == post.outcomes()
    assert first.mail_id == second.mail_id
    assert _message_id(first) == _message_id(second)


def _message_id(mail: OutgoingMail) -> str:
    return mail.headers["Message-ID"]


def test_a_mail_is_never_handed_over_a_third_time_in_doubt() -> None:
    """When every answer is lost, the job gives up after the second hand-over."""
    post = Post()
    _always(post.deliverer, MailUncertainError(), taken=True)
    post.send(Template.WELCOME)
    post.settle(minutes=120)
    assert 2 == len(post.deliverer.mails)
    assert ["failed: mail_uncertain"] == post.outcomes()


@pytest.mark.parametrize(("taken", "mails"), [(False, 1), (True, 2)])
def test_a_process_that_dies_in_the_hand_over(taken: bool, mails: int) -> None:
    """Killed before the deliverer took it: one mail. After: two, never more."""
    post = Post()
    _fail_once(post.deliverer, CrashError(), taken=taken)
    post.send(Template.WELCOME)
    post.settle(minutes=60)
    assert ["sent"] == post.outcomes()
    assert mails == len(post.deliverer.mails)


def test_mails_go_out_no_faster_than_allowed() -> None:
    """Thirty at five a second begin 200 ms apart, and waiting costs no retry."""
    post = Post(rate=5)
    for _ in range(30):
        post.send(Template.WELCOME)
    post.settle(minutes=3)
    starts = post.starts()
    assert (30, 30) == (len(starts), len(post.deliverer.mails))
    assert all(later - sooner >= 200 for sooner, later in itertools.pairwise(starts)), starts
    assert {"completed"} == {status for status, _, _ in post.jobs()}


def test_unsubscribing_by_link_notes_the_choice() -> None:
    """The link in a mail that can be chosen names its reader and its category, and is signed."""
    post = Post()
    post.send(Template.WEEKLY_SUMMARY)
    post.settle()
    (mail,) = post.deliverer.mails
    link = mail.headers["List-Unsubscribe"].strip("<>")
    assert link in mail.text
    post.context.unsubscriber.stop(link.partition("?token=")[2])
    assert [(ADA, Category.WEEKLY_SUMMARY)] == post.readers.stopped
