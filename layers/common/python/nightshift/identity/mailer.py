"""The mail that identity sends, as it sees it: a template, its data, and writes that go along."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nightshift.aws.dynamo import Table, TransactPart


class Mailer(Protocol):
    """Takes mails in; they are sent later, by jobs."""

    def send(
        self,
        *,
        to: str,
        template: str,
        data: Mapping[str, Any],
        user_id: str,
        writes: Sequence[TransactPart] = (),
    ) -> None:
        """Take a mail in, together with `writes`: both or neither.

        The data may hold a link that signs its reader in, so it must not lie anywhere in clear. A
        mail for a `user_id` that is nobody's is taken in all the same and then not sent: that is
        how asking for a new password costs the same whoever is asked for.

        Raises:
            ConditionFailedError: one of `writes` was refused; `index` says which.
            QueueFullError: there is no room for more mails; nothing was written.
        """
        ...


class NoMail:
    """Does the writes and sends nothing, for a stack without mail."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def send(
        self,
        *,
        to: str,  # noqa: ARG002 - as the port has it
        template: str,  # noqa: ARG002 - the same
        data: Mapping[str, Any],  # noqa: ARG002 - the same
        user_id: str,  # noqa: ARG002 - the same
        writes: Sequence[TransactPart] = (),
    ) -> None:
        """Do the writes; see `Mailer`."""
        if writes:
            self._table.transact(writes)
