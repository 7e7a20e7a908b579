"""What `email.send` does: render a mail and hand it over, once as far as that can be known."""

import json
from collections.abc import Callable
from typing import Any

from nightshift.core.clock import Clock
from nightshift.email.addresses import read_address
from nightshift.email.composing import Composer, Letter
from nightshift.email.model import (
    CATEGORY_OF,
    NOTICES,
    Address,
    MailId,
    Reader,
    Readers,
    SendMail,
    Sent,
    Template,
)
from nightshift.email.schemas import MailData, read_data
from nightshift.email.sealing import BrokenSealError, Sealer
from nightshift.email.service import sealed_about
from nightshift.email.store import MailStore
from nightshift.email.suppression import Suppressions
from nightshift.email.unsubscribe import Unsubscriber
from nightshift.jobs.kinds import Completed, Failed, Job
from nightshift.observability import Log, count
from nightshift.ports.blobs import Blobs
from nightshift.ports.mail import Attachment, MailError, MailTransport, OutgoingMail

UNCERTAIN = "The mail was handed over before, and nobody knows what came of it."


class MailSending:
    """The handler of `email.send`.

    What is looked at, in this order, each time anew: the reader, what the reader chose, whether the
    mail is still of use, the suppression list, and whether it was handed over before.
    """

    def __init__(
        self,
        *,
        store: MailStore,
        suppressions: Suppressions,
        sealer: Sealer,
        readers: Readers,
        unsubscriber: Unsubscriber,
        blobs: Blobs,
        transport: Callable[[], MailTransport],
        composer: Composer,
        clock: Clock,
        log: Log,
    ) -> None:
        self._store = store
        self._suppressions = suppressions
        self._sealer = sealer
        self._readers = readers
        self._unsubscriber = unsubscriber
        self._blobs = blobs
        self._transport = transport
        self._composer = composer
        self._clock = clock
        self._log = log

    def __call__(self, job: Job[SendMail]) -> Completed | Failed:
        """Send the mail, or say in the result why it need not be sent."""
        try:
            content = self._open(job.payload)
        except BrokenSealError:
            return Failed(error="mail_unreadable", message="No key opens it.", retryable=False)
        template, data = read_data(job.payload.template, content["data"])
        reader = self._readers.find(job.owner_id)
        if reader is None:
            return self._done(job, Sent.NO_RECIPIENT)
        address = read_address(content["to"] or reader.email)
        reason = self._reason_not_to(template, data, reader, address)
        if reason is not None:
            return self._done(job, reason)
        letter = Letter(
            mail_id=MailId(job.payload.mail_id),
            template=template,
            data=data,
            reader=reader,
            to=address,
            unsubscribe_url=self._unsubscribe_url(reader, template),
            attachments=self._attachments(content["attachments"]),
        )
        return self._hand_over(job, self._composer.compose(letter))

    def _open(self, payload: SendMail) -> dict[str, Any]:
        text: str | bytes = payload.content
        if payload.sealed:
            about = sealed_about(payload.mail_id, payload.template)
            text = self._sealer.open(payload.sealed, about=about)
        content: dict[str, Any] = json.loads(text)
        return content

    def _reason_not_to(
        self, template: Template, data: MailData, reader: Reader, address: Address
    ) -> Sent | None:
        if not reader.wants(CATEGORY_OF.get(template)):
            return Sent.UNWANTED
        if template in NOTICES and not reader.verified:
            return Sent.UNVERIFIED
        expires_at = getattr(data, "expires_at", None)
        if expires_at is not None and expires_at <= self._clock.now():
            return Sent.EXPIRED
        if self._suppressions.find(address) is not None:
            return Sent.SUPPRESSED
        return None

    def _unsubscribe_url(self, reader: Reader, template: Template) -> str:
        category = CATEGORY_OF.get(template)
        return self._unsubscriber.link(reader.user_id, category) if category else ""

    def _attachments(self, said: list[dict[str, str]]) -> tuple[Attachment, ...]:
        return tuple(
            Attachment(
                filename=one["filename"],
                content_type=one["content_type"],
                data=self._blobs.get(one["key"]),
            )
            for one in said
        )

    def _hand_over(self, job: Job[SendMail], mail: OutgoingMail) -> Completed | Failed:
        token = f"{job.id}:{job.attempt}"
        claim = self._store.claim(mail.mail_id, token=token, now=self._clock.now())
        if claim.was_sent:
            return self._done(job, Sent.ALREADY_SENT)
        if not claim.granted:
            return self._failed(
                job, Failed(error="mail_uncertain", message=UNCERTAIN, retryable=False)
            )
        try:
            provider_id = self._transport().send(mail)
        except MailError as error:
            if error.certain:
                self._store.release(mail.mail_id, token=token)
            failed = Failed(
                error=error.slug,
                message=error.message,
                retryable=error.retryable,
                retry_after_s=error.retry_after_s,
            )
            return self._failed(job, failed)
        self._store.sent(mail.mail_id, provider_id=provider_id, now=self._clock.now())
        return self._done(job, Sent.SENT)

    def _done(self, job: Job[SendMail], outcome: Sent) -> Completed:
        self._log.info(
            "mail.done",
            job_id=job.id,
            user_id=job.owner_id,
            mail_id=job.payload.mail_id,
            template=job.payload.template,
            outcome=outcome.value,
        )
        count("MailDone", outcome=outcome.value)
        return Completed(result={"outcome": outcome.value, "template": job.payload.template})

    def _failed(self, job: Job[SendMail], failed: Failed) -> Failed:
        self._log.warning(
            "mail.failed",
            job_id=job.id,
            user_id=job.owner_id,
            mail_id=job.payload.mail_id,
            template=job.payload.template,
            error=failed.error,
        )
        count("MailFailed", error=failed.error)
        return failed
