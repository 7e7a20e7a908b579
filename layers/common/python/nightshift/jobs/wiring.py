"""Builds the engine over a table and a queue; the contexts put their kinds into it.

What only some functions need is imported when it is asked for: each import is paid for at every
cold start.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock
from nightshift.jobs.agenda import Agenda
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.model import JobRef, Kind, Plan, plans_of
from nightshift.jobs.service import JobService
from nightshift.jobs.store import JobStore
from nightshift.ports.queue import Queue

if TYPE_CHECKING:
    from nightshift.jobs.bucket import Groups
    from nightshift.jobs.dead import DeadLetters
    from nightshift.jobs.sweeper import Sweeper
    from nightshift.jobs.tick import Ticker


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What the engine stands on; `new_token` never gives the same text twice, `sleep` blocks."""

    table: Table
    queue: Queue
    clock: Clock
    random: Callable[[], float]
    new_token: Callable[[], str]
    sleep: Callable[[float], None]
    retention_days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The engine and what works beside it. Add to `kinds` before the first use."""

    parts: Parts
    agenda: Agenda
    store: JobStore
    dispatcher: Dispatcher
    engine: Engine
    jobs: JobService
    kinds: dict[str, Kind] = field(default_factory=dict)

    def plans(self, refs: Sequence[JobRef]) -> dict[JobRef, Plan]:
        """Return the plan of each job, asking each kind once."""
        return plans_of(self.kinds, refs)

    def ticker(self, groups: "Groups") -> "Ticker":
        """Return the tick over the agenda."""
        from nightshift.jobs.tick import Ticker  # noqa: PLC0415 - for the publisher only

        return Ticker(
            agenda=self.agenda,
            dispatcher=self.dispatcher,
            groups=groups,
            clock=self.parts.clock,
            new_token=self.parts.new_token,
            sleep=self.parts.sleep,
        )

    def sweeper(self) -> "Sweeper":
        """Return the sweeper over the claims."""
        from nightshift.jobs.sweeper import Sweeper  # noqa: PLC0415 - for the sweeper only

        return Sweeper(
            agenda=self.agenda,
            store=self.store,
            engine=self.engine,
            dispatcher=self.dispatcher,
            plans=self.plans,
            clock=self.parts.clock,
            new_token=self.parts.new_token,
        )

    def dead_letters(self) -> "DeadLetters":
        """Return the keeper of dead letters."""
        from nightshift.jobs.dead import DeadLetters  # noqa: PLC0415 - for two functions only

        return DeadLetters(
            table=self.parts.table,
            engine=self.engine,
            jobs=self.jobs,
            clock=self.parts.clock,
        )


def build_machine(parts: Parts) -> Machine:
    """Return an engine without kinds."""
    kinds: dict[str, Kind] = {}
    agenda = Agenda(parts.table, parts.clock)
    store = JobStore(parts.table, parts.clock, retention_days=parts.retention_days)
    dispatcher = Dispatcher(parts.queue, agenda, parts.clock)
    engine = Engine(
        store=store,
        dispatcher=dispatcher,
        kinds=kinds,
        clock=parts.clock,
        new_token=parts.new_token,
        random=parts.random,
    )
    jobs = JobService(
        store=store,
        agenda=agenda,
        engine=engine,
        dispatcher=dispatcher,
        clock=parts.clock,
        new_token=parts.new_token,
    )
    return Machine(
        parts=parts,
        agenda=agenda,
        store=store,
        dispatcher=dispatcher,
        engine=engine,
        jobs=jobs,
        kinds=kinds,
    )
