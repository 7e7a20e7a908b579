"""What is cached: entries with an age, and what was known of their tags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nightshift.core.clock import from_ms, to_ms


class State(StrEnum):
    """What an entry is worth (RFC 9111 section 4.2, RFC 5861)."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


class Level(StrEnum):
    """Where an entry was found."""

    L1 = "l1"
    L2 = "l2"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheKey:
    """What an entry is found by.

    `tags` name what the entry was made of; they belong to the key, so that whoever looks it up
    names the same ones as whoever put it there.
    """

    name: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A body with its times, in milliseconds since the epoch.

    Until `fresh_until_ms` it is as good as new, until `gone_ms` better than nothing.
    """

    body: bytes
    made_ms: int
    fresh_until_ms: int
    gone_ms: int

    @property
    def made_at(self) -> datetime:
        """When the body was made."""
        return from_ms(self.made_ms)

    def state(self, now: datetime) -> State:
        """Return what the entry is worth now; its deletion by anybody plays no part."""
        now_ms = to_ms(now)
        if now_ms >= self.gone_ms:
            return State.MISSING
        return State.FRESH if now_ms < self.fresh_until_ms else State.STALE

    def age_s(self, now: datetime) -> int:
        """Return the age in whole seconds, never negative."""
        return max(0, to_ms(now) - self.made_ms) // 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """How often a key and its tags had been invalidated at one moment, as opaque texts.

    Who makes a body takes them before it begins: a body made of what was invalidated meanwhile is
    recognised by them, and never served.
    """

    key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why an entry could not be made anew: a slug, a sentence, when (ms since the epoch)."""

    error: str
    message: str
    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The latest work on an entry by somebody outside of the cache, such as a job.

    `token` names the work. It counts as under way until `until_ms`, unless it `ended`; `note` says
    what it is at. `failure` is how the last work that ended badly ended, None since one went well.
    """

    token: str
    since_ms: int
    until_ms: int
    ended: bool = False
    note: str = ""
    failure: Failure | None = None

    def is_under_way(self, now: datetime) -> bool:
        """Tell whether somebody is at work now, as far as the cache knows."""
        return not self.ended and to_ms(now) < self.until_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """What a look at the cache found; without an entry the state is MISSING.

    `work` is what is known of work on the entry that `Cache.begin` told of.
    """

    state: State
    entry: Entry | None = None
    level: Level | None = None
    marks: Marks = Marks()
    work: Work | None = None
