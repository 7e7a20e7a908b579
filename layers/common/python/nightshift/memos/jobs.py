"""The memos' kinds of jobs: making a memo's cards, and removing what a deleted memo leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nightshift.aws.dynamo import ConditionFailedError
from nightshift.core.clock import Clock, from_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.kinds import Completed, Failed, Job, JobKind, Unique
from nightshift.jobs.model import JobStatus, QueueName, Record
from nightshift.jobs.retry import RetryPolicy
from nightshift.memos.card_store import CardStore
from nightshift.memos.errors import CardChangedError, WorkSupersededError
from nightshift.memos.matching import rework
from nightshift.memos.model import (
    CARDS_KIND,
    OPEN,
    PURGE_KIND,
    Change,
    MakeCards,
    Memo,
    MemoStatus,
    PurgeMemo,
)
from nightshift.memos.store import MemoStore
from nightshift.ports.bus import Bus, DomainEvent
from nightshift.ports.cards import CardGenerator, Generation, GeneratorError

TIMEOUT_S = 120.0
SAVE_AT_ONCE = 32
"""Changed cards in one transaction of 100 writes: each may leave its place in line for another,
and the sums and the memo go along."""
SAVE_TRIES = 4
MAX_PROBLEMS = 20
MAX_PROBLEM_CHARS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """The memo that an attempt may save cards for, the number of its text, and the cards made."""

    memo: Memo
    text_version: int
    generation: Generation


class CardMaking:
    """The handler of `memo.cards`."""

    def __init__(
        self,
        *,
        memos: MemoStore,
        cards: CardStore,
        generator: Callable[[], CardGenerator],
        clock: Clock,
        new_token: Callable[[], str],
        max_cards: int,
        bus: Bus,
    ) -> None:
        self._memos = memos
        self._cards = cards
        self._generator = generator
        self._clock = clock
        self._new_token = new_token
        self._max_cards = max_cards
        self._bus = bus

    def __call__(self, job: Job[MakeCards]) -> Completed | Failed:
        """Make and save the cards of a generation; one that nobody wants any more is done."""
        try:
            return self._make(job)
        except WorkSupersededError:
            return self._superseded(job)
        except GeneratorError as error:
            return Failed(
                error=error.slug,
                message=error.message,
                retryable=error.retryable,
                retry_after_s=error.retry_after_s,
            )

    def _superseded(self, job: Job[MakeCards]) -> Completed | Failed:
        """Tell a generation that nobody wants from an attempt that another one has overtaken."""
        memo = self._memos.find(job.owner_id, job.payload.memo_id)
        if memo is None or memo.generation != job.payload.generation:
            return Completed(result={"superseded": True})
        return Failed(error="overtaken", message="Another attempt is making these cards.")

    def _make(self, job: Job[MakeCards]) -> Completed:
        generator, worker = self._generator(), self._new_token()
        memo = self._memos.begin(
            job.owner_id,
            job.payload.memo_id,
            generation=job.payload.generation,
            worker=worker,
            generator=generator.name,
            now=self._clock.now(),
        )
        if memo.worker != worker:
            return _completed(memo)
        found = self._memos.find_text(memo.owner_id, memo.id)
        if found is None:
            raise WorkSupersededError
        job.progress(0, note="generating")
        generation = generator.generate(memo.title or "", found.text, max_cards=self._max_cards)
        job.progress(0, len(generation.cards), note="saving")
        making = Making(memo=memo, text_version=found.version, generation=generation)
        ended = self._save(making, job)
        return _completed(ended)

    def _save(self, making: Making, job: Job[MakeCards]) -> Memo:
        """Save the cards; what the owner changes meanwhile is looked at again."""
        for left in reversed(range(SAVE_TRIES)):
            try:
                return self._try_to_save(making, job)
            except CardChangedError:
                if left == 0:
                    raise
        raise AssertionError("unreachable")

    def _try_to_save(self, making: Making, job: Job[MakeCards]) -> Memo:
        memo, total = making.memo, len(making.generation.cards)
        existing = self._cards.of_memo(memo.owner_id, memo.id)
        changes = rework(existing, making.generation.cards, memo, self._clock.now())
        ended = self._ended(making)
        portions = _portions(changes)
        for number, portion in enumerate(portions, start=1):
            last = ended if number == len(portions) else None
            self._apply(memo, portion, last)
            job.progress(min(total, number * SAVE_AT_ONCE), total, note="saving")
        count = len(existing) + sum(map(_growth, changes))
        return replace(ended, card_count=count)

    def _ended(self, making: Making) -> Memo:
        """Return the memo as it is once the last card is saved."""
        problems = tuple(p[:MAX_PROBLEM_CHARS] for p in making.generation.problems[:MAX_PROBLEMS])
        status = MemoStatus.COMPLETED_WITH_ERRORS if problems else MemoStatus.COMPLETED
        return replace(
            making.memo,
            status=status,
            problems=problems,
            made_of=making.text_version,
            updated_at=self._clock.now(),
        )

    def _apply(self, memo: Memo, portion: Sequence[Change], last: Memo | None) -> None:
        count = sum(map(_growth, portion))
        beside = self._memos.saving_part(memo, count=count, last=last)
        try:
            self._cards.apply(memo.owner_id, portion, [beside])
        except ConditionFailedError as error:
            raise WorkSupersededError from error

    def ended(self, record: Record) -> None:
        """Say how it ended: on the memo if the job failed or was cancelled, on the bus always.

        A job whose generation nobody wants any more, or whose memo is gone, is no news.
        """
        ref = record.ref
        if record.status is not JobStatus.COMPLETED:
            self._memos.fail(
                ref.owner_id,
                ref.subject,
                job_id=ref.job_id,
                error=record.reason or record.status.value,
                message=record.last.message if record.last else "",
                now=self._clock.now(),
            )
        memo = self._memos.find(ref.owner_id, ref.subject)
        if memo is not None and memo.job_id == ref.job_id and memo.status not in OPEN:
            self._bus.publish([_event(memo, record)])


def _event(memo: Memo, record: Record) -> DomainEvent:
    """Return the event `memo.completed` or `memo.failed`; its id is that of the job's end."""
    kind = "memo.failed" if memo.status is MemoStatus.FAILED else "memo.completed"
    return DomainEvent(
        id=derived_id(from_ms(record.ended_ms or record.ref.due_ms), kind, record.ref.job_id),
        type=kind,
        subject=memo.id,
        user_id=memo.owner_id,
        data={
            "memo_id": memo.id,
            "status": memo.status.value,
            "card_count": memo.card_count,
            "job_id": memo.job_id,
            "error": memo.error,
        },
    )


def _completed(memo: Memo) -> Completed:
    return Completed(
        result={"memo_id": memo.id, "status": memo.status.value, "card_count": memo.card_count}
    )


def _growth(change: Change) -> int:
    return (change.after is not None) - (change.before is not None)


def _portions(changes: Sequence[Change]) -> list[Sequence[Change]]:
    """Return the changes in portions of one transaction each, at least one."""
    starts = range(0, max(1, len(changes)), SAVE_AT_ONCE)
    return [changes[start : start + SAVE_AT_ONCE] for start in starts]


def cards_kind(making: CardMaking) -> JobKind[MakeCards]:
    """Return the kind `memo.cards`: one job for each generation, one at a time for a memo."""
    return JobKind(
        name=CARDS_KIND,
        payload=MakeCards,
        handler=making,
        queue=QueueName.DEFAULT,
        max_retries=3,
        retry=RetryPolicy(delay_s=5),
        timeout_s=TIMEOUT_S,
        subject=lambda payload: payload.memo_id,
        unique=Unique(key=lambda payload: f"{payload.memo_id}:{payload.generation}"),
        on_end=making.ended,
        shows_payload=True,
    )


def purge_kind(purge: Callable[[str, str], None]) -> JobKind[PurgeMemo]:
    """Return the kind `memo.purge`, which looks after a deletion that was cut off."""

    def handle(job: Job[PurgeMemo]) -> None:
        purge(job.owner_id, job.payload.memo_id)

    return JobKind(
        name=PURGE_KIND,
        payload=PurgeMemo,
        handler=handle,
        queue=QueueName.LOW,
        max_retries=5,
        subject=lambda payload: payload.memo_id,
        quiet=True,
    )
