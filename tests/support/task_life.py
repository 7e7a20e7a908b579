"""A seeded life of a stack in which everything goes wrong now and then, and what must hold after.

Random per seed: table faults in every mode, stale reads, transaction conflicts, sends that die or
are doubled, ticks that never come, receivers that fail or take their worker with them.
"""

import heapq
import random
from collections import Counter
from datetime import datetime, timedelta

from nightshift.jobs.model import Overlap
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND, Misfire
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError
from tests.support.random_faults import RandomFaults
from tests.support.world import OWNER, START, World, has_been_running

TROUBLE = timedelta(minutes=12)
RECOVERY = timedelta(minutes=75)
SCHEDULES = ("*/2 * * * *", "rate(3 minutes)", "at(2026-03-02T12:07:13Z)")
RETRY = RetryPolicy(backoff=Backoff.EXPONENTIAL, delay_s=2, max_delay_s=30)


class TaskLife:
    """One seed's life; `run` lives it, `violations` says what did not hold."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._rng = random.Random(seed)  # noqa: S311 - repeatable by design
        dynamo = FakeDynamoDB(
            ["jobs", "tasks"], seed=seed, staleness=4, conflict_rate=0.01, strict=False
        )
        self.world = World(dynamo=dynamo)
        has_been_running(dynamo, self.world.clock)
        self.faults = RandomFaults(self._rng, rate=0.0)
        self.world.receiver = self._receive
        self.world.queue.before_send = self._maybe_die
        self.world.queue.after_send = self._after_send
        self._trouble = False
        self.tasks: dict[str, Overlap] = {}

    def run(self) -> "TaskLife":
        """Create tasks, live through trouble, then recover without any."""
        for schedule in SCHEDULES:
            overlap = self._rng.choice(list(Overlap))
            view = self.world.create(
                schedule=schedule,
                overlap=overlap,
                misfire=Misfire.RUN_ALL,
                max_retry=3,
                retry=RETRY,
                timeout_s=20,
                pause_after=100,
            )
            self.tasks[view.task.id] = overlap
        self.world.dynamo.faults = self.faults
        self._trouble, self.faults.rate = True, self._rng.choice([0.002, 0.01, 0.03])
        self.world.run_until(START + TROUBLE)
        self._trouble, self.faults.rate = False, 0.0
        self.world.run_until(START + TROUBLE + RECOVERY)
        return self

    def _receive(self, _: OutboundRequest) -> OutboundAnswer:
        draw = self._rng.random() if self._trouble else 1.0
        if draw < 0.05:
            raise CrashError("killed in the call")
        return answer(500 if draw < 0.25 else 200)

    def _maybe_die(self) -> None:
        if self._trouble and self._rng.random() < 0.02:
            raise CrashError("died before the send")

    def _after_send(self) -> None:
        queue = self.world.queue
        if self._trouble and self._rng.random() < 0.05:
            with queue.lock:
                last = queue.messages[-1]
                again = type(last)(last.visible_at, 10**6 + len(queue.sent), last.body)
                heapq.heappush(queue.messages, again)
        if self._trouble and self._rng.random() < 0.02:
            raise CrashError("died after the send")

    def violations(self) -> list[str]:
        """Return one sentence for each promise that was broken."""
        found: list[str] = []
        calls = Counter(call.run_id for call in self.world.calls)
        for task_id, overlap in self.tasks.items():
            found += self._of_task(task_id, overlap, calls)
        if any(c.at < _due(c.headers["x-nightshift-scheduled-for"]) for c in self.world.calls):
            found.append("a call was early")
        return found

    def _of_task(self, task_id: str, overlap: Overlap, calls: Counter[str]) -> list[str]:
        jobs = self.world.context.jobs
        views, _ = jobs.page(RUN_KIND, task_id, start_after=None, limit=100)
        task = self.world.context.tasks.get(OWNER, task_id).task
        slots = task.schedule.upcoming(START, 60) if task.schedule else []
        ended = {v.ref.due_at: v for v in views}
        found = []
        for slot in slots:
            if slot > START + TROUBLE + RECOVERY - timedelta(minutes=10):
                break
            view = ended.get(slot)
            if view is None:
                found.append(f"{overlap} {task_id} lost the slot {slot}")
            elif view.ended_ms is None:
                found.append(f"{overlap} {task_id} is stuck in {slot}: {view.status}")
            elif overlap is not Overlap.SKIP and view.status == "cancelled":
                found.append(f"{overlap} {task_id} cancelled {slot}: {view.reason}")
            else:
                log = jobs.attempts(RUN_KIND, task_id, view.ref.job_id)
                if [a.number for a in log] != list(range(1, len(log) + 1)):
                    found.append(f"{task_id} has holes in the log of {slot}")
                if calls[view.ref.job_id] > len(log):
                    found.append(f"{task_id} made calls that its log does not know: {slot}")
        return found


def _due(text: str) -> datetime:
    return datetime.fromisoformat(text)
