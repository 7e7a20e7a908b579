"""Dead letters: messages that no worker could finish, kept to be seen and redriven.

Each stands twice: in its owner's partition, and in its queue's for those who look after all of it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from nightshift.aws.dynamo import Delete, Item, Put, Table
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.core.errors import NightshiftError
from nightshift.core.ids import new_id
from nightshift.jobs import keys
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import (
    DeadLetterNotFoundError,
    JobNotEndedError,
    JobNotFoundError,
    SupersededError,
    UnreadableMessageError,
)
from nightshift.jobs.model import JobRef, JobStatus, Message, Reason
from nightshift.jobs.service import JobService
from nightshift.jobs.views import JobView

UNREADABLE_OWNER = "unreadable"
KEEP_S = 90 * 86_400
MAX_BODY_KEPT = 2_048
MAX_LOOKED_AT = 500
"""How many letters one page or one redrive looks at, whatever it is to find among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """One message that ended in the dead-letter queue `queue`.

    `ref` is None when the message could not be read; `body` then holds what there is of it.
    """

    id: str
    owner_id: str
    queue: str
    ref: JobRef | None
    attempt: int
    reason: str
    died_ms: int
    body: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterFilter:
    """Which letters are meant; None leaves all. Times are in milliseconds, inclusive."""

    kind: str | None = None
    queue: str | None = None
    subject: str | None = None
    died_after_ms: int | None = None
    died_before_ms: int | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Tell whether a letter is meant; one that cannot be read has neither kind nor subject."""
        ref = letter.ref
        return (
            self.kind in {None, ref.kind if ref else ""}
            and self.subject in {None, ref.subject if ref else ""}
            and self.queue in {None, letter.queue}
            and (self.died_after_ms is None or letter.died_ms >= self.died_after_ms)
            and (self.died_before_ms is None or letter.died_ms <= self.died_before_ms)
        )


EVERY_LETTER = LetterFilter()


@dataclass(frozen=True, kw_only=True, slots=True)
class NotRedriven:
    """A letter that stays, and why."""

    letter_id: str
    error: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Redriven:
    """What a redrive came to; with `more`, there are letters that it did not look at."""

    refs: tuple[JobRef, ...] = ()
    failed: tuple[NotRedriven, ...] = ()
    more: bool = False


class DeadLetters:
    """Keeps dead letters by owner, closes their jobs, and sends them again on request."""

    def __init__(
        self,
        *,
        table: Table,
        engine: Engine,
        jobs: JobService,
        clock: Clock,
    ) -> None:
        self._table = table
        self._engine = engine
        self._jobs = jobs
        self._clock = clock

    def bury(self, body: str, *, queue: str = "") -> DeadLetter | None:
        """Keep a dead message and end its job as failed; None if the job had ended by itself.

        `queue` says where it was found; a message that can be read knows that itself. Burying one
        twice is burying it once: the letter has the job's id.
        """
        try:
            message = decode(body)
        except UnreadableMessageError as error:
            return self._keep_unreadable(body, str(error), queue)
        if self._has_moved_on(message):
            return None
        letter = self._letter(message)
        self._keep(letter, encode(message))
        try:
            self._engine.end(message.ref, JobStatus.FAILED, Reason.DEAD_LETTER)
        except SupersededError:
            # Perhaps an earlier burial was cut off before the end was told.
            self._engine.follow_end(message.ref)
        return letter

    def _has_moved_on(self, message: Message) -> bool:
        """Tell whether the job went on without this message: ended, runs, or past its attempt."""
        ref = message.ref
        if self._engine.is_running(ref):
            return True
        view = self._jobs.find(ref.kind, ref.subject, ref.job_id)
        if view is None or view.reason == Reason.DEAD_LETTER:
            return False
        closed = view.attempts - (view.status is JobStatus.PROCESSING)
        return view.ended_ms is not None or closed >= message.attempt

    def page(
        self,
        owner_id: str,
        *,
        start_after: str | None,
        limit: int,
        wanted: LetterFilter = EVERY_LETTER,
    ) -> tuple[list[DeadLetter], str | None]:
        """Return the owner's dead letters, newest job first, and the id to go on after or None."""
        return self._page(keys.dead(owner_id), start_after, limit, wanted)

    def page_of_queue(
        self, queue: str, *, start_after: str | None, limit: int
    ) -> tuple[list[DeadLetter], str | None]:
        """Return a queue's dead letters, whoever owns them; see `page`."""
        return self._page(keys.dead_of_queue(queue), start_after, limit, EVERY_LETTER)

    def _page(
        self, pk: str, start_after: str | None, limit: int, wanted: LetterFilter
    ) -> tuple[list[DeadLetter], str | None]:
        found: list[DeadLetter] = []
        last = None
        for number, letter in enumerate(self._letters(pk, start_after=start_after)):
            if number >= MAX_LOOKED_AT:
                return found, last
            if wanted.takes(letter):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(letter)
            last = letter.id
        return found, None

    def _letters(self, pk: str, *, start_after: str | None = None) -> Iterator[DeadLetter]:
        items = self._table.query(pk, start_after=start_after, descending=True, consistent=True)
        return map(_letter_of, items)

    def get(self, owner_id: str, letter_id: str) -> DeadLetter:
        """Return one of the owner's letters.

        Raises:
            DeadLetterNotFoundError: the owner has no such letter.
        """
        return self._get(keys.dead(owner_id), letter_id)

    def get_of_queue(self, queue: str, letter_id: str) -> DeadLetter:
        """Return one of a queue's letters.

        Raises:
            DeadLetterNotFoundError: the queue has no such letter.
        """
        return self._get(keys.dead_of_queue(queue), letter_id)

    def _get(self, pk: str, letter_id: str) -> DeadLetter:
        item = self._table.get({"pk": pk, "sk": letter_id}, consistent=True)
        if item is None:
            raise DeadLetterNotFoundError
        return _letter_of(item)

    def job_of(self, letter: DeadLetter) -> JobView | None:
        """Return the letter's job as it stands, None where it is unknown or gone."""
        ref = letter.ref
        if ref is None:
            return None
        try:
            return self._jobs.view(ref.owner_id, ref.job_id)
        except JobNotFoundError:
            return self._jobs.find(ref.kind, ref.subject, ref.job_id)

    def forget(self, letter: DeadLetter) -> None:
        """Forget a letter; its job stays as it is."""
        keys_of = [keys.dead(letter.owner_id), keys.dead_of_queue(letter.queue)]
        self._table.transact(
            Delete(table=self._table.name, key={"pk": pk, "sk": letter.id}) for pk in keys_of
        )

    def redrive(self, owner_id: str, letter_id: str) -> JobRef:
        """Try the letter's job again and forget the letter.

        Raises:
            DeadLetterNotFoundError: the owner has no such letter, or it cannot be read.
            JobNotFoundError: its job is not kept any more.
            UniqueKeyTakenError: another job of its unique key is open; the letter stays.
        """
        return self._redrive(self.get(owner_id, letter_id))

    def redrive_all(self, owner_id: str, wanted: LetterFilter, *, limit: int) -> Redriven:
        """Redrive those of the owner's letters that are meant, at most `limit` of them."""
        return self._redrive_all(keys.dead(owner_id), wanted, limit)

    def redrive_queue(self, queue: str, wanted: LetterFilter, *, limit: int) -> Redriven:
        """Redrive those of a queue's letters that are meant, whoever owns them."""
        return self._redrive_all(keys.dead_of_queue(queue), wanted, limit)

    def _redrive_all(self, pk: str, wanted: LetterFilter, limit: int) -> Redriven:
        done: list[JobRef] = []
        failed: list[NotRedriven] = []
        for number, letter in enumerate(self._letters(pk)):
            if len(done) >= limit or number >= MAX_LOOKED_AT:
                return Redriven(refs=tuple(done), failed=tuple(failed), more=True)
            if letter.ref is None or not wanted.takes(letter):
                continue
            try:
                done.append(self._redrive(letter))
            except NightshiftError as error:
                failed.append(
                    NotRedriven(letter_id=letter.id, error=error.slug, message=error.message)
                )
        return Redriven(refs=tuple(done), failed=tuple(failed))

    def _redrive(self, letter: DeadLetter) -> JobRef:
        ref = letter.ref
        if ref is None:
            raise DeadLetterNotFoundError("This letter cannot be read, so there is no job to try.")
        # Where it is open again already, an earlier redrive was cut off before the delete.
        with contextlib.suppress(JobNotEndedError):
            self._retry(ref)
        self.forget(letter)
        return ref

    def _retry(self, ref: JobRef) -> None:
        """Try a job again: by its order, which knows its unique key, or by its subject."""
        try:
            self._jobs.owned.retry(ref.owner_id, ref.job_id)
        except JobNotFoundError:
            self._jobs.retry(ref.kind, ref.subject, ref.job_id)

    def _letter(self, message: Message) -> DeadLetter:
        return DeadLetter(
            id=message.ref.job_id,
            owner_id=message.ref.owner_id,
            queue=message.ref.queue,
            ref=message.ref,
            attempt=message.attempt,
            reason=Reason.DEAD_LETTER,
            died_ms=to_ms(self._clock.now()),
        )

    def _keep_unreadable(self, body: str, reason: str, queue: str) -> DeadLetter:
        now = self._clock.now()
        letter = DeadLetter(
            id=new_id(now),
            owner_id=UNREADABLE_OWNER,
            queue=queue,
            ref=None,
            attempt=0,
            reason=f"unreadable: {reason}",
            died_ms=to_ms(now),
            body=body[:MAX_BODY_KEPT],
        )
        self._keep(letter, letter.body)
        return letter

    def _keep(self, letter: DeadLetter, body: str) -> None:
        item: Item = {
            "sk": letter.id,
            "o": letter.owner_id,
            "q": letter.queue,
            "body": body,
            "why": letter.reason,
            "at": letter.died_ms,
            "expires_at": to_epoch_s(self._clock.now()) + KEEP_S,
        }
        keys_of = [keys.dead(letter.owner_id), keys.dead_of_queue(letter.queue)]
        self._table.transact(Put(table=self._table.name, item={"pk": pk, **item}) for pk in keys_of)


def _letter_of(item: Item) -> DeadLetter:
    try:
        message: Message | None = decode(item["body"])
    except UnreadableMessageError:
        message = None
    return DeadLetter(
        id=item["sk"],
        owner_id=item.get("o", "") or item["pk"].removeprefix(keys.dead("")),
        queue=item.get("q", "") or (message.ref.queue if message else ""),
        ref=message.ref if message else None,
        attempt=message.attempt if message else 0,
        reason=item["why"],
        died_ms=item["at"],
        body="" if message else item["body"],
    )
