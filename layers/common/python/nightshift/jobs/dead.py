"""Dead letters: messages that no worker could finish, kept to be seen and redriven."""

import contextlib
from dataclasses import dataclass

from nightshift.aws.dynamo import Item, Table
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.core.errors import ConflictError, NotFoundError
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

UNREADABLE_OWNER = "unreadable"
KEEP_S = 90 * 86_400
MAX_BODY_KEPT = 2_048


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """One message that ended in the dead-letter queue. `ref` is None when it could not be read."""

    id: str
    owner_id: str
    ref: JobRef | None
    attempt: int
    reason: str
    died_ms: int


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

    def bury(self, body: str) -> DeadLetter | None:
        """Keep a dead message and end its job as failed; None if the job had ended by itself.

        Burying one twice is burying it once: the letter has the job's id.
        """
        try:
            message = decode(body)
        except UnreadableMessageError as error:
            return self._keep_unreadable(body, str(error))
        if self._has_moved_on(message):
            return None
        letter = self._letter(message)
        self._table.put(self._item(letter, encode(message)))
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
        self, owner_id: str, *, start_after: str | None, limit: int
    ) -> tuple[list[DeadLetter], str | None]:
        """Return the owner's dead letters, newest job first, and the id to go on after or None."""
        items = list(
            self._table.query(
                keys.dead(owner_id), start_after=start_after, descending=True, limit=limit + 1
            )
        )
        letters = [_letter_of(item) for item in items[:limit]]
        return letters, letters[-1].id if len(items) > limit else None

    def redrive(self, owner_id: str, letter_id: str) -> JobRef:
        """Try the letter's job again and forget the letter.

        Raises:
            DeadLetterNotFoundError: the owner has no such letter, or it cannot be read.
            JobNotFoundError: its job is gone.
            UniqueKeyTakenError: another job of its unique key is open.
        """
        item = self._table.get({"pk": keys.dead(owner_id), "sk": letter_id}, consistent=True)
        letter = _letter_of(item) if item else None
        if letter is None or letter.ref is None:
            raise DeadLetterNotFoundError
        return self._redrive(letter, letter.ref)

    def redrive_all(self, owner_id: str, *, subject: str | None, limit: int) -> list[JobRef]:
        """Redrive the owner's letters, those of `subject` where given, at most `limit` of them.

        A letter whose job is gone, or whose unique key another job has taken, is passed over.
        """
        done = []
        for item in self._table.query(keys.dead(owner_id), consistent=True):
            letter = _letter_of(item)
            if letter.ref is None or (subject is not None and letter.ref.subject != subject):
                continue
            with contextlib.suppress(NotFoundError, ConflictError):
                done.append(self._redrive(letter, letter.ref))
            if len(done) >= limit:
                break
        return done

    def _redrive(self, letter: DeadLetter, ref: JobRef) -> JobRef:
        # Where it is open again already, an earlier redrive was cut off before the delete.
        with contextlib.suppress(JobNotEndedError):
            self._retry(ref)
        self._table.delete({"pk": keys.dead(letter.owner_id), "sk": letter.id})
        return ref

    def _retry(self, ref: JobRef) -> None:
        """Try the job again; one that was enqueued takes its unique key again."""
        try:
            self._jobs.owned.retry(ref.owner_id, ref.job_id)
        except JobNotFoundError:
            self._jobs.retry(ref.kind, ref.subject, ref.job_id)

    def _letter(self, message: Message) -> DeadLetter:
        return DeadLetter(
            id=message.ref.job_id,
            owner_id=message.ref.owner_id,
            ref=message.ref,
            attempt=message.attempt,
            reason=Reason.DEAD_LETTER,
            died_ms=to_ms(self._clock.now()),
        )

    def _keep_unreadable(self, body: str, reason: str) -> DeadLetter:
        now = self._clock.now()
        letter = DeadLetter(
            id=new_id(now),
            owner_id=UNREADABLE_OWNER,
            ref=None,
            attempt=0,
            reason=f"unreadable: {reason}",
            died_ms=to_ms(now),
        )
        self._table.put(self._item(letter, body[:MAX_BODY_KEPT]))
        return letter

    def _item(self, letter: DeadLetter, body: str) -> Item:
        return {
            "pk": keys.dead(letter.owner_id),
            "sk": letter.id,
            "body": body,
            "why": letter.reason,
            "at": letter.died_ms,
            "expires_at": to_epoch_s(self._clock.now()) + KEEP_S,
        }


def _letter_of(item: Item) -> DeadLetter:
    try:
        message: Message | None = decode(item["body"])
    except UnreadableMessageError:
        message = None
    return DeadLetter(
        id=item["sk"],
        owner_id=item["pk"].removeprefix(keys.dead("")),
        ref=message.ref if message else None,
        attempt=message.attempt if message else 0,
        reason=item["why"],
        died_ms=item["at"],
    )
