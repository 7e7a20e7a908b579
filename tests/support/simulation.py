"""Seeded lives of a stack: of its engine, and now and then of its tasks."""

from tests.support.engine_life import EngineLife
from tests.support.task_life import TaskLife

TASKS_EVERY = 25
"""Every so many seeds a life is one of tasks, which takes hours of virtual time."""


def broken_in(seed: int) -> list[str]:
    """Live the seed; return one sentence for each promise that was broken."""
    if seed % TASKS_EVERY == 0:
        return TaskLife(seed).run().violations()
    return EngineLife(seed).run().violations()
