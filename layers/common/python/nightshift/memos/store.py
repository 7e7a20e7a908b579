"""Memos in their table: the record, the text, and who may save cards.

A job's attempt first makes itself the memo's `worker`; whatever it then writes asks whether it
still is. A newer generation, a deletion or another attempt takes that away, so a late attempt
saves nothing.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
    TransactionConflictError,
    Update,
    Write,
)
from nightshift.core.clock import to_ms
from nightshift.memos import keys
from nightshift.memos.errors import MemoChangedError, WorkSupersededError
from nightshift.memos.items import memo_item, memo_of, text_item, text_of
from nightshift.memos.model import Memo, MemoStatus, MemoText

_STATUS = {"#status": "status"}
_OPEN = "#status IN (:pending, :processing)"
_OPEN_VALUES = {":pending": MemoStatus.PENDING.value, ":processing": MemoStatus.PROCESSING.value}


class MemoStore:
    """The memos of all owners; a deleted memo is not found, even while its cards are."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, owner_id: str, memo_id: str) -> Memo | None:
        """Return the owner's memo, read consistently, or None."""
        item = self._table.get(keys.memo(owner_id, memo_id), consistent=True)
        memo = memo_of(item) if item else None
        return None if memo is None or memo.gone else memo

    def find_text(self, owner_id: str, memo_id: str) -> MemoText | None:
        """Return the memo's text, read consistently, or None."""
        item = self._table.get(keys.text(owner_id, memo_id), consistent=True)
        return text_of(item) if item else None

    def page(
        self, owner_id: str, *, start_after: str | None, limit: int
    ) -> tuple[list[Memo], str | None]:
        """Return the owner's memos, newest first, and the id to go on after, None at the end."""
        found: list[Memo] = []
        after = start_after
        while True:
            items = list(self._part(owner_id, after, limit + 1 - len(found)))
            memos = [memo_of(item) for item in items]
            found += [memo for memo in memos if not memo.gone]
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
            if not items:
                return found, None
            after = memos[-1].id

    def _part(self, owner_id: str, start_after: str | None, limit: int) -> Iterator[Item]:
        return self._table.query(
            keys.owner(owner_id),
            prefix=keys.MEMO,
            start_after=keys.MEMO + start_after if start_after else None,
            descending=True,
            limit=limit,
            consistent=True,
        )

    def add_parts(self, memo: Memo, text: str) -> list[Write]:
        """Return the writes that store a new memo."""
        put = Put(table=self._table.name, item=memo_item(memo), condition=NOT_EXISTS)
        return [put, Put(table=self._table.name, item=text_item(memo, text))]

    def replace_parts(self, memo: Memo, text: str | None) -> list[Write]:
        """Return the writes that store a memo's next version, with a new text or without.

        The first is refused if the stored version is not the one before.
        """
        condition = Condition(
            expression="#version = :before AND attribute_not_exists(gone)",
            names={"#version": "version"},
            values={":before": memo.version - 1},
        )
        parts: list[Write] = [
            Put(table=self._table.name, item=memo_item(memo), condition=condition)
        ]
        if text is not None:
            parts.append(Put(table=self._table.name, item=text_item(memo, text)))
        return parts

    def replace(self, memo: Memo, text: str | None) -> None:
        """Store a memo's next version.

        Raises:
            MemoChangedError: the stored version is not the one before.
        """
        try:
            self._table.transact(self.replace_parts(memo, text))
        except ConditionFailedError as error:
            stored = memo_of(error.item) if error.item else None
            if stored != memo:
                raise MemoChangedError from error
        except TransactionConflictError as error:
            raise MemoChangedError from error

    def begin(
        self,
        owner_id: str,
        memo_id: str,
        *,
        generation: int,
        worker: str,
        generator: str,
        now: datetime,
    ) -> Memo:
        """Make the attempt `worker` the one that may save this generation's cards.

        Returns the memo; one whose cards are made already comes back as it is.

        Raises:
            WorkSupersededError: the memo is gone, or another generation is wanted.
        """
        update = Update(
            table=self._table.name,
            key=keys.memo(owner_id, memo_id),
            expression="SET #status = :processing, worker = :worker, generator = :generator, "
            "updated = :now ADD #version :one REMOVE #error, error_message",
            condition=Condition(
                expression="generation = :generation AND attribute_not_exists(gone) AND "
                f"({_OPEN} OR #status = :failed)",
            ),
            names={**_STATUS, "#version": "version", "#error": "error"},
            values={
                **_OPEN_VALUES,
                ":failed": MemoStatus.FAILED.value,
                ":generation": generation,
                ":worker": worker,
                ":generator": generator,
                ":now": to_ms(now),
                ":one": 1,
            },
        )
        try:
            item = self._table.write(update)
        except ConditionFailedError as error:
            memo = memo_of(error.item) if error.item else None
            if memo is None or memo.gone or memo.generation != generation:
                raise WorkSupersededError from error
            return memo
        return memo_of(item or {})

    def saving_part(self, memo: Memo, *, count: int, last: Memo | None) -> Update:
        """Return the write that goes with saved cards; `count` is by how much their number changes.

        With `last`, whose outcome it takes over, it also ends the work. It is refused when
        `memo.worker` may not save any more.
        """
        sets = ends = ""
        values: dict[str, object] = {":worker": memo.worker, ":count": count}
        if last is not None:
            sets = (
                "SET #status = :status, problems = :problems, made_of = :made_of, updated = :now "
            )
            values |= {
                ":status": last.status.value,
                ":problems": list(last.problems),
                ":made_of": last.made_of,
                ":now": to_ms(last.updated_at),
                ":one": 1,
            }
            ends = ", #version :one REMOVE worker"
        return Update(
            table=self._table.name,
            key=keys.memo(memo.owner_id, memo.id),
            expression=f"{sets}ADD cards :count{ends}",
            condition=Condition(expression="worker = :worker"),
            names={**_STATUS, "#version": "version"} if last else {},
            values=values,
        )

    def counting_part(self, owner_id: str, memo_id: str, count: int, now: datetime) -> Update:
        """Return the write that goes with a card added or removed by hand."""
        return Update(
            table=self._table.name,
            key=keys.memo(owner_id, memo_id),
            expression="SET updated = :now ADD cards :count, #version :one",
            condition=Condition(
                expression="attribute_exists(pk) AND attribute_not_exists(gone)",
            ),
            names={"#version": "version"},
            values={":count": count, ":one": 1, ":now": to_ms(now)},
        )

    def fail(
        self, owner_id: str, memo_id: str, *, job_id: str, error: str, message: str, now: datetime
    ) -> None:
        """Say that the job could not make the cards, unless the memo has moved on."""
        update = Update(
            table=self._table.name,
            key=keys.memo(owner_id, memo_id),
            expression="SET #status = :failed, #error = :error, error_message = :message, "
            "updated = :now ADD #version :one REMOVE worker",
            condition=Condition(expression=f"job = :job AND {_OPEN}"),
            names={**_STATUS, "#error": "error", "#version": "version"},
            values={
                **_OPEN_VALUES,
                ":failed": MemoStatus.FAILED.value,
                ":job": job_id,
                ":error": error,
                ":message": message or None,
                ":now": to_ms(now),
                ":one": 1,
            },
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.write(update)

    def retire_part(self, memo: Memo) -> Update:
        """Return the write after which nobody finds the memo and nobody saves cards for it."""
        return Update(
            table=self._table.name,
            key=keys.memo(memo.owner_id, memo.id),
            expression="SET gone = :yes ADD #version :one REMOVE worker",
            condition=Condition(
                expression="#version = :seen AND attribute_not_exists(gone)",
                values={":seen": memo.version},
            ),
            names={"#version": "version"},
            values={":yes": True, ":one": 1},
        )

    def remove(self, owner_id: str, memo_id: str) -> None:
        """Remove a retired memo and its text for good; one that is not retired stays."""
        gone = Condition(expression="attribute_not_exists(pk) OR attribute_exists(gone)")
        with contextlib.suppress(ConditionFailedError):
            self._table.transact(
                [
                    Delete(
                        table=self._table.name, key=keys.memo(owner_id, memo_id), condition=gone
                    ),
                    Delete(table=self._table.name, key=keys.text(owner_id, memo_id)),
                ]
            )

    def clear(self, owner_id: str) -> None:
        """Remove all that an owner has who is gone; running it again does the rest."""
        for partition in (keys.owner(owner_id), keys.LOG + owner_id):
            for item in self._table.query(partition, consistent=True):
                self._table.delete({"pk": item["pk"], "sk": item["sk"]})
