"""Sending mail, as the other contexts see it: a template, its data, and whom it is for.

Each mail is a job. It is enqueued in one transaction with the caller's own writes, so that neither
is ever without the other. From then on its address and data are sealed, but for notices.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nightshift.aws.dynamo import ConditionFailedError, TransactPart
from nightshift.core.clock import Clock
from nightshift.email.addresses import read_address
from nightshift.email.model import NOTICES, AttachedBlob, MailId, SendMail, Template
from nightshift.email.schemas import read_data
from nightshift.email.sealing import Sealer
from nightshift.email.store import MailStore
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.service import JobService


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    to: str
    template: str
    data: Mapping[str, Any]
    user_id: str
    key: str
    attachments: Sequence[AttachedBlob]


class Mailer:
    """Makes mails into jobs."""

    def __init__(
        self,
        *,
        jobs: JobService,
        kind: JobKind[SendMail],
        store: MailStore,
        sealer: Sealer,
        clock: Clock,
        new_id: Callable[[datetime], str],
    ) -> None:
        self._jobs = jobs
        self._kind = kind
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._new_id = new_id

    def send(
        self,
        *,
        to: str,
        template: str,
        data: Mapping[str, Any],
        user_id: str,
        writes: Sequence[TransactPart] = (),
        key: str = "",
        attachments: Sequence[AttachedBlob] = (),
    ) -> None:
        """Enqueue a mail to `to`, an address of the user; `data` is as `schemas` declares it.

        `writes` (98 at most) stand or fall with the mail. With `key` the same mail (user, template
        and key) is sent once however often it is asked for; when it was asked for before, `writes`
        are not done either: they belonged to the first. The key is remembered for the retention of
        mails, 30 days unless set otherwise. `attachments` are read when the mail is sent.

        Raises:
            BadMailDataError: there is no such template, or the data does not fit it.
            BadAddressError: `to` is no address.
            QueueFullError: the queue holds as much as it may; nothing was written.
            ConditionFailedError: one of `writes` was refused; `index` says which.
        """
        wish = _Wish(
            to=read_address(to).spec,
            template=template,
            data=data,
            user_id=user_id,
            key=key,
            attachments=attachments,
        )
        self._enqueue(wish, writes)

    def notify(
        self,
        user_id: str,
        template: str,
        data: Mapping[str, Any],
        *,
        key: str = "",
        attachments: Sequence[AttachedBlob] = (),
    ) -> None:
        """Enqueue a notice to a user whose address is looked up when it is sent; see `send`.

        Its data is not sealed, so that the caller needs no key.

        Raises:
            BadMailDataError, QueueFullError: as `send` says.
            ValueError: the template is no notice; its data may hold a secret.
        """
        if template not in NOTICES:
            raise ValueError(f"{template} is no notice; send it")
        wish = _Wish(
            to="",
            template=template,
            data=data,
            user_id=user_id,
            key=key,
            attachments=attachments,
        )
        self._enqueue(wish, ())

    def _enqueue(self, wish: "_Wish", writes: Sequence[TransactPart]) -> None:
        template, data = read_data(wish.template, wish.data)
        now = self._clock.now()
        mail_id = _mail_id(wish, template) if wish.key else MailId(self._new_id(now))
        content = {
            "to": wish.to,
            "data": data.model_dump(mode="json"),
            "attachments": [asdict(one) for one in wish.attachments],
        }
        payload = self._payload(mail_id, template.value, json.dumps(content), sealed=bool(wish.to))
        asked = self._store.asked_part(
            mail_id, template=template.value, user_id=wish.user_id, now=now
        )
        try:
            self._jobs.enqueue(self._kind, payload, owner_id=wish.user_id, writes=[asked, *writes])
        except ConditionFailedError as refused:
            if refused.index:
                raise ConditionFailedError(refused.item, index=refused.index - 1) from refused

    def _payload(self, mail_id: str, template: str, content: str, *, sealed: bool) -> SendMail:
        if not sealed:
            return SendMail(mail_id=mail_id, template=template, content=content)
        about = sealed_about(mail_id, template)
        text = self._sealer.seal(content.encode(), about=about)
        return SendMail(mail_id=mail_id, template=template, sealed=text)


def sealed_about(mail_id: str, template: str) -> str:
    """Return what a mail's seal is bound to."""
    return f"{mail_id}|{template}"


def _mail_id(wish: "_Wish", template: Template) -> MailId:
    text = f"{wish.user_id}\x1f{template.value}\x1f{wish.key}"
    return MailId(hashlib.sha256(text.encode()).hexdigest()[:32])
