"""Kinds of jobs that do nothing: the engine's share and nothing else."""

from dataclasses import dataclass
from typing import Final

from nightshift.jobs.kinds import Job, JobKind, Unique

OWNER: Final = "01980000-0000-7000-8000-000000000001"


@dataclass(frozen=True, kw_only=True, slots=True)
class Noop:
    """A payload of one number."""

    number: int


def nothing(job: Job[Noop]) -> None:
    """Do nothing."""


def _key(payload: Noop) -> str:
    return str(payload.number)


KINDS: Final = {
    "plain": JobKind(name="bench.plain", payload=Noop, handler=nothing),
    "quiet": JobKind(name="bench.quiet", payload=Noop, handler=nothing, quiet=True),
    "unique": JobKind(name="bench.unique", payload=Noop, handler=nothing, unique=Unique(key=_key)),
    "subject": JobKind(name="bench.subject", payload=Noop, handler=nothing, subject=_key),
}
"""Plain, without an event on the bus at its end, unique by key, and one at a time by subject."""
