"""Faults at random, repeatable by seed."""

import random
from collections.abc import Callable

from tests.support.faults import Fault, FaultMode, FaultPlan, Request

MODES = (
    FaultMode.CRASH_BEFORE,
    FaultMode.CRASH_AFTER,
    FaultMode.ERROR,
    FaultMode.ERROR_AFTER,
    FaultMode.ANSWER_LOST,
)


class RandomFaults(FaultPlan):
    """Lets a share of all calls go wrong; a process that died stays dead until it is revived.

    `meanwhile` runs in the middle of a share of the calls: it is what others do just then.
    """

    def __init__(
        self,
        rng: random.Random,
        rate: float,
        *,
        delays: float = 0.0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(stays_dead=True)
        self._rng = rng
        self._meanwhile = meanwhile
        self.rate = rate
        self.delays = delays
        self.count = 0

    def __call__(self, operation: str, request: Request) -> Fault | None:
        """Return what shall happen to this call."""
        draw = self._rng.random()
        if self.rate <= draw < self.rate + self.delays:
            mode = self._rng.choice([FaultMode.DELAY, FaultMode.DELAY_AFTER])
            self.faults[len(self.seen) + 1] = Fault(mode=mode, action=self._meanwhile)
        if draw < self.rate:
            self.faults[len(self.seen) + 1] = Fault(mode=self._rng.choice(MODES))
            self.count += 1
        return super().__call__(operation, request)
