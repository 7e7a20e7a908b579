"""Queues: what is held while they pause, and how much they take."""

from tests.mutants.model import Mutant

QUEUES = (
    Mutant(
        name="a pause is not looked at",
        path="jobs/worker.py",
        old="if message.ref.queue in paused:",
        new="if False:",
        tests=("pauses", "batches"),
    ),
    Mutant(
        name="a pause is not looked at by sweeps",
        path="jobs/triage.py",
        old="elif self._queues.is_paused(ref.queue):",
        new="elif False:",
        tests=("pauses",),
    ),
    Mutant(
        name="a worker drops what comes to a paused queue",
        path="jobs/worker.py",
        old="            await self._call(lambda: self._hold([message]))\n",
        new="",
        tests=("pauses",),
    ),
    Mutant(
        name="a sweep drops what it finds of a paused queue",
        path="jobs/sweeper.py",
        old="        self._queues.hold(found.held)\n",
        new="",
        tests=("pauses",),
    ),
    Mutant(
        name="what was held is forgotten before it is sent",
        path="jobs/sweeper.py",
        old="self._dispatcher.send(messages)\n            self._queues.forget(messages)\n",
        new="self._queues.forget(messages)\n            self._dispatcher.send(messages)\n",
        tests=("pauses",),
    ),
    Mutant(
        name="what was held is not claimed again",
        path="jobs/sweeper.py",
        old='            self._keep(messages, 0, f"H#{self._new_token()}", 0)\n',
        new="",
        tests=("pauses",),
    ),
    Mutant(
        name="a pause that has just ended is forgotten at once",
        path="jobs/queues.py",
        old='if item["end"] + LATE_HELD_MS < to_ms(self._clock.now()):',
        new="if True:",
        tests=("pauses",),
    ),
    Mutant(
        name="a new pause is forgotten with the old one",
        path="jobs/queues.py",
        old='self._table.delete(keys.queue_state(item["sk"]), same)',
        new='self._table.delete(keys.queue_state(item["sk"]))',
        tests=("pauses",),
    ),
    Mutant(
        name="a second pause hides the first",
        path="jobs/queues.py",
        old='self._table.put(keys.queue_state(name) | {"at": now_ms, "by": by}, running)',
        new='self._table.put(keys.queue_state(name) | {"at": now_ms, "by": by})',
        tests=("pauses",),
    ),
    Mutant(
        name="a full queue takes more",
        path="jobs/queues.py",
        old="if self.depth(name).total >= self._max_depth:",
        new="if False:",
        tests=("kinds",),
    ),
)
