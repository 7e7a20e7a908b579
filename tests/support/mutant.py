"""A safety condition, its removal, and the tests of which one must fall."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One safety condition and its removal: `old` becomes `new` in `path`, once.

    `tests` are those of which one must fall; none are the engine's.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = ()
