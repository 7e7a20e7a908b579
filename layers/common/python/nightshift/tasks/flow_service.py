"""Flow-control keys as their owners see them: who is held up, and limits pinned over the tasks'."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nightshift.core.access import UserId
from nightshift.core.clock import Clock
from nightshift.jobs.gates import Gates, GateState
from nightshift.jobs.model import Gate
from nightshift.tasks.errors import FlowKeyNotFoundError, FlowKeyVersionError
from nightshift.tasks.flow import gate_of, key_of
from nightshift.tasks.flow_store import FlowStore
from nightshift.tasks.model import Definition, FlowKey, Limits

MAX_COUNTED = 1_000
"""How many that wait are counted."""
READ_THREADS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowView:
    """A key, and who is held up by it now."""

    known: FlowKey
    state: GateState


class FlowService:
    """The flow-control keys of their owners."""

    def __init__(
        self, *, store: FlowStore, gates: Gates, wake: Callable[[Gate], None], clock: Clock
    ) -> None:
        self._store = store
        self._gates = gates
        self._wake = wake
        self._clock = clock

    def page(
        self, owner_id: UserId, *, start_after: str | None, limit: int
    ) -> tuple[list[FlowView], str | None]:
        """Return the owner's keys in their order, and the one to go on after, None at the end."""
        known, after = self._store.page(owner_id, start_after=start_after, limit=limit)
        with ThreadPoolExecutor(READ_THREADS) as pool:
            return list(pool.map(self._view, known)), after

    def get(self, owner_id: UserId, key: str) -> FlowView:
        """Return one key.

        Raises:
            FlowKeyNotFoundError: none of the owner's tasks has used it, and nothing is pinned.
        """
        return self._view(self._find(owner_id, key))

    def _find(self, owner_id: UserId, key: str) -> FlowKey:
        known = self._store.find(owner_id, key)
        if known is None:
            raise FlowKeyNotFoundError
        return known

    def _view(self, known: FlowKey) -> FlowView:
        gate = gate_of(known.owner_id, known.key, Limits())
        return FlowView(known=known, state=self._gates.state(gate.key, limit=MAX_COUNTED))

    def pin(self, owner_id: UserId, key: str, limits: Limits, *, expected: int | None) -> FlowView:
        """Give the key limits that stand over its tasks' own; who may now come in is woken.

        Raises:
            FlowKeyVersionError: `expected` is not the current version.
            FlowKeyChangedError: a race was lost.
        """
        seen = self._store.find(owner_id, key)
        _check_version(seen, expected)
        version = seen.version + 1 if seen else 1
        pinned = FlowKey(
            owner_id=owner_id,
            key=key,
            pinned=limits,
            version=version,
            updated_at=self._clock.now(),
        )
        self._store.put(pinned, seen=seen)
        self._wake(gate_of(owner_id, key, limits))
        return self._view(pinned)

    def unpin(self, owner_id: UserId, key: str, *, expected: int | None) -> None:
        """Go back to the tasks' own limits; a key that has no others is forgotten.

        Raises:
            FlowKeyNotFoundError, FlowKeyVersionError, FlowKeyChangedError: see `pin`.
        """
        known = self._find(owner_id, key)
        _check_version(known, expected)
        if known.pinned is None:
            self._store.remove(known)
            return
        freed = replace(known, pinned=None, version=known.version + 1, updated_at=self._clock.now())
        self._store.put(freed, seen=known)
        self._wake(gate_of(owner_id, key, Limits()))

    def note(self, owner_id: UserId, said: Definition) -> None:
        """Remember the key that a task is about to use."""
        if said.flow:
            self._store.note(owner_id, key_of(said), self._clock.now())

    def changed(self, owner_id: UserId, before: Definition, after: Definition) -> None:
        """Wake who waits under a task's old key or its new one: they may do so no longer."""
        if (before.flow, before.url) == (after.flow, after.url):
            return
        if before.flow and (not after.flow or key_of(before) != key_of(after)):
            self._wake(gate_of(owner_id, key_of(before), Limits()))
        if after.flow:
            self._wake(gate_of(owner_id, key_of(after), after.flow.limits))


def _check_version(seen: FlowKey | None, expected: int | None) -> None:
    version = seen.version if seen else 0
    if expected is not None and expected != version:
        raise FlowKeyVersionError(f"If-Match asks for version {expected}, but it is {version}.")
