"""A mailer for the tests of other contexts: checks the data, does the writes, keeps the mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightshift.aws.dynamo import Table, TransactPart
from nightshift.email.model import NOTICES, AttachedBlob, Category, Reader
from nightshift.email.schemas import MailData, read_data


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptMail:
    """What was asked for; `to` is empty where the address is to be found at the time of sending."""

    to: str
    template: str
    data: MailData
    user_id: str
    key: str


class FakeMailer:
    """`service.Mailer` without jobs; `table` does the writes, which may be of any table.

    `fault` is raised at every request while it is set.
    """

    def __init__(self, table: Table | None = None) -> None:
        self.sent: list[KeptMail] = []
        self.fault: Exception | None = None
        self._table = table

    def send(
        self,
        *,
        to: str,
        template: str,
        data: Mapping[str, Any],
        user_id: str,
        writes: Sequence[TransactPart] = (),
        key: str = "",
        attachments: Sequence[AttachedBlob] = (),  # noqa: ARG002 - the tests look at mails only
    ) -> None:
        """Do the writes and keep the mail; see `service.Mailer.send`."""
        if self.fault is not None:
            raise self.fault
        _, checked = read_data(template, data)
        mail = KeptMail(to=to, template=template, data=checked, user_id=user_id, key=key)
        if key and any(
            (m.user_id, m.template, m.key) == (user_id, template, key) for m in self.sent
        ):
            return
        if writes:
            if self._table is None:
                raise ValueError("this fake was given no table to write with")
            self._table.transact(writes)
        self.sent.append(mail)

    def notify(
        self, user_id: str, template: str, data: Mapping[str, Any], *, key: str = ""
    ) -> None:
        """Keep a notice whose address is found at the time of sending."""
        if template not in NOTICES:
            raise ValueError(f"{template} is no notice; send it")
        self.send(to="", template=template, data=data, user_id=user_id, key=key)

    def latest(self, template: str) -> KeptMail:
        """Return the newest mail made from this template.

        Raises:
            LookupError: there is none.
        """
        for mail in reversed(self.sent):
            if mail.template == template:
                return mail
        raise LookupError(f"no mail was made from {template}")


class FakeReaders:
    """Users from a dictionary."""

    def __init__(self, *readers: Reader) -> None:
        self.readers = {reader.user_id: reader for reader in readers}
        self.stopped: list[tuple[str, Category]] = []

    def find(self, user_id: str) -> Reader | None:
        """Return the user, or None."""
        return self.readers.get(user_id)

    def stop(self, user_id: str, category: Category) -> None:
        """Note what the user does not want."""
        self.stopped.append((user_id, category))
