"""What a bucket of the agenda asks for: its messages, in an order in which one can go on later."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import NightshiftError
from nightshift.jobs.agenda import MINUTE_MS, Agenda, Hint, Member
from nightshift.jobs.codec import decode
from nightshift.jobs.errors import UnreadableMessageError
from nightshift.jobs.model import Message

MEMBERS_AT_ONCE = 500
LOOK_AGAIN_MS = 60 * MINUTE_MS
_SEPARATOR = "\x1f"


class Groups(Protocol):
    """What the tick must know of the recurring subjects behind a group's spec.

    Its methods may raise NightshiftError for a spec that cannot be read.
    """

    def next_slot_ms(self, spec: str, after_ms: int) -> int | None:
        """Return the first slot strictly after `after_ms`, None if there is none."""
        ...

    def expand(
        self, spec: str, slot_ms: int, members: Iterable[Member], now: datetime
    ) -> list[Message]:
        """Return the messages that the members want for a slot, misfire rules applied, in order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A message and its place in the bucket; what comes after sorts after."""

    place: str
    message: Message


class BucketReader:
    """Reads buckets. What cannot be read is told to `on_bad` and does not spoil the rest."""

    def __init__(
        self, agenda: Agenda, groups: Groups, clock: Clock, on_bad: Callable[[str], None]
    ) -> None:
        self._agenda = agenda
        self._groups = groups
        self._clock = clock
        self._on_bad = on_bad

    def read(self, minute: int, shard: int, *, after: str = "") -> Iterator[Placed]:
        """Yield the messages of a bucket, those after the place `after`; moves its groups on."""
        name, _, subject = after.partition(_SEPARATOR)
        for hint in self._agenda.hints(minute, shard):
            if hint.name < name or (hint.name == name and hint.spec is None):
                continue
            begin = subject if hint.name == name else None
            try:
                yield from self._of_hint(hint, minute, shard, begin)
            except (NightshiftError, UnreadableMessageError) as error:
                self._on_bad(f"{hint.name}: {error}")
                self._look_again(hint, minute, shard)

    def _look_again(self, hint: Hint, minute: int, shard: int) -> None:
        """Hint at a group that could not be read once more, later: it may be mended by then."""
        if hint.spec is not None:
            self._agenda.move_group(hint.spec, shard, minute * MINUTE_MS + LOOK_AGAIN_MS)

    def _of_hint(self, hint: Hint, minute: int, shard: int, begin: str | None) -> Iterator[Placed]:
        if hint.spec is not None:
            yield from self._of_group(hint, hint.spec, minute, shard, begin)
            return
        message = decode(hint.body)
        late_ms = to_ms(self._clock.now()) - message.not_before_ms
        if hint.late_ok_ms is None or late_ms <= hint.late_ok_ms:
            yield Placed(place=hint.name, message=message)

    def _of_group(
        self, hint: Hint, spec: str, minute: int, shard: int, begin: str | None
    ) -> Iterator[Placed]:
        members = self._agenda.members(spec, shard, start_after=begin)
        page = list(islice(members, MEMBERS_AT_ONCE))
        if not page and begin is None:
            return
        slot_ms = self._slot_in(spec, minute, shard)
        while page and slot_ms is not None:
            for message in self._groups.expand(spec, slot_ms, page, self._clock.now()):
                place = f"{hint.name}{_SEPARATOR}{message.ref.subject}"
                yield Placed(place=place, message=message)
            page = list(islice(members, MEMBERS_AT_ONCE))

    def _slot_in(self, spec: str, minute: int, shard: int) -> int | None:
        """Return the group's slot in the minute, if it has one, and hint at the one after it."""
        start_ms = minute * MINUTE_MS
        slot_ms = self._groups.next_slot_ms(spec, start_ms - 1)
        following_ms = slot_ms
        if slot_ms is not None and slot_ms < start_ms + MINUTE_MS:
            following_ms = self._groups.next_slot_ms(spec, slot_ms)
        else:
            slot_ms = None
        if following_ms is not None:
            self._agenda.move_group(spec, shard, following_ms)
        return slot_ms
