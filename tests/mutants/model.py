"""What a mutant is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One safety condition and its removal: `old`, there once in the layer's `path`, becomes `new`.

    `tests` are those that are to notice, best first: `gates` is tests/unit/jobs/test_gates.py,
    `tasks/tasks_service` is tests/unit/tasks/test_tasks_service.py, `/contract/api_access` is
    tests/contract/test_api_access.py; a test of it may follow `::`.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
