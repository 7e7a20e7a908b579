"""Builds the engine over a table and a queue; the contexts put their kinds into it.

What only some functions need is imported when it is asked for: each import is paid for at every
cold start.
"""

import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from nightshift.adapters.blobs import S3Blobs
from nightshift.adapters.bus import EventBridgeBus
from nightshift.adapters.queue import SqsQueue
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, SystemClock
from nightshift.core.environment import load
from nightshift.jobs.agenda import Agenda
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.gates import Gates
from nightshift.jobs.lifecycle import Lifecycle, LifecycleLog
from nightshift.jobs.model import BULK_KIND, JobRef, Kind, Plan, QueueName, Record, plans_of
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.queues import Queues
from nightshift.jobs.results import Results
from nightshift.jobs.retention import DAY_S
from nightshift.jobs.settings import EngineSettings
from nightshift.jobs.store import JobStore
from nightshift.observability import get_log
from nightshift.ports.blobs import Blobs
from nightshift.ports.bus import Bus
from nightshift.ports.queue import Queue

if TYPE_CHECKING:
    from nightshift.jobs.bucket import Groups
    from nightshift.jobs.bulk import BulkOrder
    from nightshift.jobs.checkpoints import Checkpoints
    from nightshift.jobs.dead import DeadLetters
    from nightshift.jobs.kinds import JobKind
    from nightshift.jobs.service import JobService
    from nightshift.jobs.sweeper import Sweeper
    from nightshift.jobs.tick import Ticker


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What the engine stands on; `new_token` never gives the same text twice, `sleep` blocks."""

    table: Table
    queues: Mapping[QueueName, Queue]
    blobs: Blobs
    bus: Bus
    clock: Clock
    random: Callable[[], float]
    new_token: Callable[[], str]
    sleep: Callable[[float], None]
    log: LifecycleLog | None = None
    retention_days: int = 30
    max_queue_depth: int = 100_000


class Machine:
    """The engine and what works beside it. Kinds are added before the first use."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.kinds = Kinds()
        self.lifecycle = Lifecycle(parts.log)
        retention_s = parts.retention_days * DAY_S
        self.agenda = Agenda(parts.table, parts.clock)
        self.store = JobStore(parts.table, parts.clock, retention_days=parts.retention_days)
        self.orders = OrderStore(parts.table, parts.blobs, parts.clock, retention_s=retention_s)
        self.gates = Gates(parts.table, parts.clock, retention_s=retention_s)
        self.queues = Queues(
            parts.table,
            parts.queues,
            self.lifecycle,
            parts.clock,
            max_depth=parts.max_queue_depth,
        )
        self.dispatcher = Dispatcher(parts.queues, self.agenda, parts.clock)
        self.engine = Engine(
            store=self.store,
            dispatcher=self.dispatcher,
            gates=self.gates,
            results=Results(parts.blobs, retention_s=retention_s),
            kinds=self.kinds,
            lifecycle=self.lifecycle,
            clock=parts.clock,
            new_token=parts.new_token,
            random=parts.random,
        )
        self.kinds.add(BULK_KIND, lambda: self._bound(self.bulk_kind))

    @cached_property
    def bulk_kind(self) -> "JobKind[BulkOrder]":
        """The kind that cancels or tries again many jobs."""
        from nightshift.jobs.bulk import BulkJobs, bulk_kind  # noqa: PLC0415 - seldom needed

        return bulk_kind(BulkJobs(self.jobs.owned, self.checkpoints, self.parts.clock))

    @cached_property
    def checkpoints(self) -> "Checkpoints":
        """The states of jobs that work in portions."""
        from nightshift.jobs.checkpoints import Checkpoints  # noqa: PLC0415 - seldom needed

        return Checkpoints(self.parts.table, self.store)

    @cached_property
    def jobs(self) -> "JobService":
        """The front door."""
        from nightshift.jobs.enqueue import Enqueuer  # noqa: PLC0415 - not for who only runs
        from nightshift.jobs.owned import OwnedJobs  # noqa: PLC0415 - the same
        from nightshift.jobs.service import JobService  # noqa: PLC0415 - the same

        parts = self.parts
        enqueuer = Enqueuer(
            table=parts.table,
            orders=self.orders,
            store=self.store,
            agenda=self.agenda,
            dispatcher=self.dispatcher,
            engine=self.engine,
            queues=self.queues,
            lifecycle=self.lifecycle,
            clock=parts.clock,
            new_token=parts.new_token,
            sleep=parts.sleep,
        )
        return JobService(
            store=self.store,
            agenda=self.agenda,
            engine=self.engine,
            dispatcher=self.dispatcher,
            lifecycle=self.lifecycle,
            owned=OwnedJobs(
                table=parts.table,
                orders=self.orders,
                store=self.store,
                agenda=self.agenda,
                dispatcher=self.dispatcher,
                engine=self.engine,
                lifecycle=self.lifecycle,
                blobs=parts.blobs,
                clock=parts.clock,
                new_token=parts.new_token,
            ),
            enqueuer=enqueuer,
            clock=parts.clock,
            new_token=parts.new_token,
        )

    def add(self, *kinds: "JobKind[Any]") -> None:
        """Add declared kinds."""
        for kind in kinds:
            self.kinds.add(kind.name, partial(self._bound, kind))

    def _bound(self, kind: "JobKind[Any]") -> Kind:
        return kind.bound(self.orders, self._publish_end)

    def _publish_end(self, record: Record) -> None:
        from nightshift.jobs.events import end_event  # noqa: PLC0415 - at a job's end only

        self.parts.bus.publish([end_event(record)])

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
            gates=self.gates,
            queues=self.queues,
            dispatcher=self.dispatcher,
            lifecycle=self.lifecycle,
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


class Kinds(Mapping[str, Kind]):
    """The kinds by name, each made when it is first asked for."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[], Kind]] = {}
        self._made: dict[str, Kind] = {}

    def add(self, name: str, make: Callable[[], Kind]) -> None:
        """Add a kind.

        Raises:
            ValueError: there is one of this name already.
        """
        if name in self._makers:
            raise ValueError(f"there is a kind {name} already")
        self._makers[name] = make

    def __getitem__(self, name: str) -> Kind:
        """Return a kind, made now if it was not yet."""
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._makers)


def build_machine(parts: Parts) -> Machine:
    """Return an engine without kinds."""
    return Machine(parts)


@cache
def get_machine() -> Machine:
    """Return the process's engine over AWS, from its environment, without kinds.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    said = load(EngineSettings, os.environ)
    clock = SystemClock()
    return Machine(
        Parts(
            table=Table(clients.dynamodb(), said.jobs_table),
            queues={
                QueueName.CRITICAL: SqsQueue(clients.sqs, said.critical_queue_url),
                QueueName.DEFAULT: SqsQueue(clients.sqs, said.default_queue_url),
                QueueName.LOW: SqsQueue(clients.sqs, said.low_queue_url),
            },
            blobs=S3Blobs(clients.s3, said.payloads_bucket),
            bus=EventBridgeBus(clients.events, said.bus_name, clock),
            clock=clock,
            random=random.random,
            new_token=lambda: uuid.uuid4().hex,
            sleep=time.sleep,
            log=get_log(),
            retention_days=said.run_retention_days,
            max_queue_depth=said.max_queue_depth,
        )
    )
