"""Memos: write, read, change, delete, and have their cards made."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from nightshift.aws.dynamo import ConditionFailedError
from nightshift.core.access import UserId
from nightshift.core.clock import Clock
from nightshift.core.errors import FieldError
from nightshift.core.ids import derived_id
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.service import JobService
from nightshift.memos.errors import (
    CardChangedError,
    MemoChangedError,
    MemoNotFoundError,
    MemoVersionError,
    TextTooLongError,
)
from nightshift.memos.model import (
    CARDS_KIND,
    EXCERPT_CHARS,
    OPEN,
    MakeCards,
    Memo,
    MemoId,
    MemoStatus,
    MemoText,
    PurgeMemo,
)
from nightshift.memos.settings import MemoSettings
from nightshift.memos.store import MemoStore

TRIES = 4
PURGE_AFTER_S = 60.0
"""When the job looks after a deletion; by then the request itself should have done it all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Amendment:
    """What is to change of a memo. `text` None keeps it; `title` counts only with `retitle`.

    A new text makes new cards if `regenerate` asks for it, or if those of the old one are not made
    yet.
    """

    title: str | None = None
    retitle: bool = False
    text: str | None = None
    regenerate: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class JobKinds:
    """The kinds of jobs that the service enqueues."""

    cards: JobKind[MakeCards]
    purge: JobKind[PurgeMemo]


class MemoService:
    """The memos of their owners. Whose memo it is comes with every call; another's is not found."""

    def __init__(
        self,
        *,
        store: MemoStore,
        jobs: JobService,
        kinds: JobKinds,
        purge: Callable[[str, str], None],
        clock: Clock,
        new_id: Callable[[datetime], str],
        settings: MemoSettings,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._kinds = kinds
        self._purge = purge
        self._clock = clock
        self._new_id = new_id
        self._settings = settings

    def create(
        self, owner_id: UserId, *, title: str | None, text: str, memo_id: str | None = None
    ) -> Memo:
        """Store a new memo and have its cards made; `memo_id` makes a repeat find the first.

        Returns the memo as it was stored, pending, however fast its job is; a repeat gets the memo
        as it stands.

        Raises:
            TextTooLongError; QueueFullError.
        """
        self._check(text)
        now = self._clock.now()
        found = MemoId(memo_id or self._new_id(now))
        memo = Memo(
            id=found,
            owner_id=owner_id,
            title=title,
            excerpt=_excerpt(text),
            job_id=_job_id(found, 1, now),
            created_at=now,
            updated_at=now,
        )
        try:
            if self._enqueue(memo, text):
                return memo
        except ConditionFailedError as error:
            if error.item is None:
                raise
        return self.get(owner_id, memo.id)

    def _enqueue(self, memo: Memo, text: str | None) -> bool:
        """Store the memo with the job for its generation; tell whether it was this call's doing."""
        first = memo.version == 1
        store = self._store
        writes = store.add_parts(memo, text or "") if first else store.replace_parts(memo, text)
        done = self._jobs.enqueue(
            self._kinds.cards,
            MakeCards(memo_id=memo.id, generation=memo.generation),
            owner_id=memo.owner_id,
            writes=writes,
            job_id=memo.job_id,
        )
        return done.created

    def _check(self, text: str) -> None:
        limit = self._settings.memo_max_chars
        if len(text) > limit:
            message = f"The text has {len(text)} characters; a memo takes {limit} at most."
            raise TextTooLongError(message, errors=[FieldError(field="text", message=message)])

    def get(self, owner_id: UserId, memo_id: str) -> Memo:
        """Return a memo without its text.

        Raises:
            MemoNotFoundError: the owner has no such memo.
        """
        memo = self._store.find(owner_id, memo_id)
        if memo is None:
            raise MemoNotFoundError
        return memo

    def text(self, memo: Memo) -> MemoText:
        """Return a memo's text as it is now.

        Raises:
            MemoNotFoundError: the memo was deleted meanwhile.
        """
        found = self._store.find_text(memo.owner_id, memo.id)
        if found is None:
            raise MemoNotFoundError
        return found

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[Sequence[Memo], str | None]:
        """Return the owner's memos, newest first, and the id to go on after, None at the end."""
        return self._store.page(owner_id, start_after=start_after, limit=limit)

    def amend(
        self, owner_id: UserId, memo_id: str, change: Amendment, *, expected: int | None
    ) -> Memo:
        """Change a memo; see `Amendment` for what becomes of its cards.

        Raises:
            MemoNotFoundError; TextTooLongError; MemoVersionError: `expected` is not the current
            version; MemoChangedError: a race was lost.
        """
        if change.text is not None:
            self._check(change.text)
        return self._retrying(owner_id, memo_id, expected, lambda memo: self._amend(memo, change))

    def _amend(self, memo: Memo, change: Amendment) -> None:
        text = self._new_text(memo, change.text)
        title = change.title if change.retitle else memo.title
        if change.regenerate or (text is not None and memo.status in OPEN):
            self._next_generation(memo, title=title, text=text)
        elif text is not None or title != memo.title:
            self._store.replace(self._changed(memo, title=title, text=text), text)

    def _new_text(self, memo: Memo, text: str | None) -> str | None:
        """Return the text if it is another one."""
        if text is None:
            return None
        before = self._store.find_text(memo.owner_id, memo.id)
        return None if before is not None and before.text == text else text

    def regenerate(self, owner_id: UserId, memo_id: str) -> Memo:
        """Have the cards made anew; while they are being made already, nothing new begins.

        Raises:
            MemoNotFoundError; MemoChangedError: a race was lost.
        """

        def act(memo: Memo) -> None:
            if memo.status not in OPEN:
                self._next_generation(memo, title=memo.title, text=None)

        return self._retrying(owner_id, memo_id, None, act)

    def _next_generation(self, memo: Memo, *, title: str | None, text: str | None) -> None:
        generation = memo.generation + 1
        wanted = replace(
            self._changed(memo, title=title, text=text),
            status=MemoStatus.PENDING,
            generation=generation,
            job_id=_job_id(memo.id, generation, self._clock.now()),
            problems=(),
            error=None,
            error_message=None,
            worker=None,
        )
        try:
            created = self._enqueue(wanted, text)
        except ConditionFailedError as error:
            raise MemoChangedError from error
        if not created:
            raise MemoChangedError

    def _changed(self, memo: Memo, *, title: str | None, text: str | None) -> Memo:
        return replace(
            memo,
            title=title,
            excerpt=memo.excerpt if text is None else _excerpt(text),
            text_version=memo.text_version + (text is not None),
            version=memo.version + 1,
            updated_at=self._clock.now(),
        )

    def _retrying(
        self, owner_id: UserId, memo_id: str, expected: int | None, act: Callable[[Memo], None]
    ) -> Memo:
        """Do `act` on the memo as it stands, again while it moves on; return what came of it.

        The card job moves it, too, which is no reason to refuse an owner who asked for no version.
        """
        for left in reversed(range(TRIES)):
            memo = self.get(owner_id, memo_id)
            _check_version(memo, expected)
            try:
                act(memo)
            except MemoChangedError:
                if left == 0:
                    raise
            else:
                break
        return self.get(owner_id, memo_id)

    def delete(self, owner_id: UserId, memo_id: str, *, expected: int | None) -> None:
        """Delete a memo with its cards; the review log stays.

        From the first write on nobody finds the memo; a job makes sure of the rest.

        Raises:
            MemoNotFoundError; MemoVersionError; MemoChangedError: a race was lost.
        """
        for left in reversed(range(TRIES)):
            memo = self.get(owner_id, memo_id)
            _check_version(memo, expected)
            try:
                self._retire(memo)
            except ConditionFailedError as error:
                if left == 0:
                    raise MemoChangedError from error
            else:
                break
        with suppress(CardChangedError):
            self._purge(owner_id, memo_id)

    def _retire(self, memo: Memo) -> None:
        self._jobs.enqueue(
            self._kinds.purge,
            PurgeMemo(memo_id=memo.id),
            owner_id=memo.owner_id,
            delay_s=PURGE_AFTER_S,
            writes=[self._store.retire_part(memo)],
        )


def _check_version(memo: Memo, expected: int | None) -> None:
    if expected is not None and expected != memo.version:
        raise MemoVersionError(f"If-Match asks for version {expected}, but it is {memo.version}.")


def _excerpt(text: str) -> str:
    return " ".join(text[: EXCERPT_CHARS * 2].split())[:EXCERPT_CHARS]


def _job_id(memo_id: str, generation: int, now: datetime) -> str:
    return derived_id(now, CARDS_KIND, memo_id, str(generation))
