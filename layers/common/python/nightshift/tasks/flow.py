"""Flow control: which limits a task shares with the others of its owner under the same key."""

from collections.abc import Iterable

from nightshift.core.access import UserId
from nightshift.jobs.model import Gate
from nightshift.tasks.flow_store import FlowStore
from nightshift.tasks.model import Definition, Limits, Task


def key_of(said: Definition) -> str:
    """Return the key that a task shares limits by."""
    if said.flow.key is not None:
        return said.flow.key
    from nightshift.outbound.urls import parse_target  # noqa: PLC0415 - few tasks have limits

    return parse_target(said.url, allow_loopback=True).host


def gate_of(owner_id: UserId, key: str, limits: Limits) -> Gate:
    """Return the engine's gate; an owner's key never meets another's."""
    return Gate(
        key=f"T#{owner_id}#{key}",
        parallelism=limits.parallelism,
        rate=limits.rate,
        period_s=limits.period_s,
    )


class FlowGates:
    """Which gate each task's runs have to pass; most have none, and cost no read."""

    def __init__(self, store: FlowStore) -> None:
        self._store = store

    def of(self, tasks: Iterable[Task]) -> dict[str, Gate]:
        """Return the gates by task id; what is pinned for a key stands over the tasks' own limits.

        What was pinned a moment ago may not be seen yet.
        """
        shared = {
            task.id: (task, key_of(task.definition)) for task in tasks if task.definition.flow
        }
        if not shared:
            return {}
        known = self._store.find_many({(task.owner_id, key) for task, key in shared.values()})
        gates: dict[str, Gate] = {}
        for task, key in shared.values():
            found = known.get((task.owner_id, key))
            limits = found.pinned if found and found.pinned else task.definition.flow.limits
            if limits:
                gates[task.id] = gate_of(task.owner_id, key, limits)
        return gates
