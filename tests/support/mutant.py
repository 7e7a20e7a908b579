"""What a mutant is: a safety condition without which a test must fall."""

from dataclasses import dataclass

ENGINE_TESTS = (
    "tests/unit/jobs/test_races.py",
    "tests/unit/tasks/test_runs_of_tasks.py",
    "tests/unit/tasks/test_tasks_service.py",
    "tests/unit/jobs/test_tick.py",
    "tests/unit/jobs/test_reviewed.py",
    "tests/unit/jobs/test_adversity.py",
    "tests/unit/jobs/test_batches.py",
    "tests/unit/jobs/test_sweeps.py",
    "tests/unit/jobs/test_fault_matrix.py",
    "tests/unit/jobs/test_owned.py",
    "tests/unit/jobs/test_checkpoints.py",
    "tests/unit/jobs/test_bulk.py",
    "tests/unit/jobs/test_pauses.py",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One safety condition and its removal: `old` becomes `new` in `path`, once.

    One of `tests` must notice.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = ENGINE_TESTS
