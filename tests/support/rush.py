"""Many threads enqueue jobs for a few subjects while many workers run them: how many at once?"""

import asyncio
import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from nightshift.adapters.blobs import MemoryBlobs
from nightshift.adapters.bus import MemoryBus
from nightshift.adapters.queue import SqsQueue
from nightshift.aws.dynamo import Table
from nightshift.core.clock import ManualClock
from nightshift.jobs.kinds import Job, JobKind
from nightshift.jobs.model import JobStatus, QueueName
from nightshift.jobs.wiring import Parts, build_machine
from nightshift.jobs.worker import Delivery, Worker
from tests.support.dynamo import FakeDynamoDB
from tests.support.sqs import FakeSQS
from tests.support.work import Chore, kind_of
from tests.support.world import OWNER, START, carried, has_been_running, inline

SWITCH_S: Final = 1e-5
WORK_S: Final = 0.001
CONFLICT_RATE: Final = 0.01
WORKERS: Final = 16
PATIENCE_MIN: Final = 120


@dataclass(kw_only=True)
class Rush:
    """Jobs for some subjects, as many at once as there are threads; `concurrency` each.

    `most` is how many of one subject were at work at once, `statuses` how all ended.
    """

    jobs: int
    subjects: int = 2
    concurrency: int = 1
    threads: int = 50
    most: int = 0
    statuses: Counter[JobStatus] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Build the stack."""
        self._clock = ManualClock(START)
        self._dynamo = FakeDynamoDB(
            ["jobs"],
            clock=self._clock,
            strict=False,
            keep_calls=False,
            conflict_rate=CONFLICT_RATE,
        )
        has_been_running(self._dynamo, self._clock)
        self._sqs = FakeSQS(self._clock, strict=False, keep_calls=False)
        url = self._sqs.add_queue("default", visibility_s=900)
        tokens = itertools.count()
        sqs: Any = self._sqs
        self._machine = build_machine(
            Parts(
                table=Table(self._dynamo, "jobs"),  # type: ignore[arg-type]  # the fake's door
                queues=dict.fromkeys(QueueName, SqsQueue(lambda: sqs, url)),
                blobs=MemoryBlobs(),
                bus=MemoryBus(),
                clock=self._clock,
                random=lambda: 0.5,
                new_token=lambda: f"t{next(tokens)}",
                sleep=lambda _: None,
            )
        )
        self._lock = threading.Lock()
        self._at_work: Counter[str] = Counter()
        self._enqueuing = True
        self._kind = self._make_kind()
        self._machine.add(self._kind)

    def _make_kind(self) -> JobKind[Chore]:
        return kind_of(self._work, subject=lambda p: p.subject, concurrency=self.concurrency)

    def _work(self, job: Job[Chore]) -> None:
        with self._lock:
            self._at_work[job.subject] += 1
            self.most = max(self.most, self._at_work[job.subject])
        time.sleep(WORK_S)  # the others are to come in meanwhile, if they can
        with self._lock:
            self._at_work[job.subject] -= 1

    def run(self) -> "Rush":
        """Enqueue everything while workers work; then let minutes pass until all have ended."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            with ThreadPoolExecutor(self.threads + WORKERS) as pool:
                workers = [pool.submit(self._deliver) for _ in range(WORKERS)]
                ids = list(pool.map(self._enqueue, range(self.jobs)))
                self._enqueuing = False
                for worker in workers:
                    worker.result()
                self._finish(pool, ids)
        finally:
            sys.setswitchinterval(interval)
        return self

    def _enqueue(self, number: int) -> str:
        chore = Chore(subject=f"s{number % self.subjects}")
        return self._machine.jobs.enqueue(self._kind, chore, owner_id=OWNER).job_id

    def _deliver(self) -> None:
        while self._one_batch() or self._enqueuing:
            pass

    def _one_batch(self) -> bool:
        event = self._sqs.deliver("default", 3)
        if event is None:
            return False
        worker = Worker(
            engine=self._machine.engine,
            kinds=self._machine.kinds,
            clock=self._clock,
            offload=inline,
            carrier=carried,
            sleep=_at_once,
        )
        deliveries = [Delivery(message_id=r["messageId"], body=r["body"]) for r in event["Records"]]
        deadline = self._clock.now() + timedelta(seconds=150)
        reports = asyncio.run(worker.run(deliveries, deadline=deadline))
        left = [{"itemIdentifier": r.message_id} for r in reports if not r.done.acknowledge]
        self._sqs.settle(event, {"batchItemFailures": left})
        return True

    def _finish(self, pool: ThreadPoolExecutor, ids: list[str]) -> None:
        for _ in range(PATIENCE_MIN):
            views = [self._machine.jobs.view(OWNER, job_id) for job_id in ids]
            self.statuses = Counter(view.status for view in views)
            self.attempts = Counter(view.attempts for view in views)
            if set(self.statuses) == {JobStatus.COMPLETED}:
                return
            self._clock.advance(seconds=60)
            deadline = self._clock.now() + timedelta(seconds=47)
            self._machine.sweeper().run(deadline=deadline)
            drain: Callable[[object], None] = lambda _: self._deliver()  # noqa: E731 - for the pool
            list(pool.map(drain, range(WORKERS)))


async def _at_once(_: float) -> None:
    """Wait for no start: the clock of the rush stands still."""
