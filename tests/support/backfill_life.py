"""The seeded life of a stack in which past slots are made up for while everything goes wrong."""

from collections import Counter
from datetime import datetime, timedelta

from nightshift.core.ids import new_id
from nightshift.jobs.model import JobStatus, Trigger
from nightshift.tasks.backfills import BackfillWish
from nightshift.tasks.model import FlowControl, Limits
from tests.support.task_life import RETRY, TaskLife
from tests.support.world import OWNER, START

PERIOD = timedelta(minutes=10)
LIMITS = (Limits(), Limits(), Limits(parallelism=2), Limits(rate=1, period_s=3))
TROUBLE = timedelta(minutes=4)
RECOVERY = timedelta(hours=2)


class BackfillLife(TaskLife):
    """One seed's life: two backfills of one task whose ranges may overlap."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        limits = self.rng.choice(LIMITS)
        self._task = self.world.create(
            schedule="*/10 * * * *",
            max_retry=20,
            retry=RETRY,
            timeout_s=20,
            flow=FlowControl(key="k", limits=limits),
        ).task
        self._jobs: dict[str, list[datetime]] = {}

    def run(self) -> "BackfillLife":
        """Ask for the backfills, live through trouble, then recover without any."""
        self.world.context.tasks.pause(OWNER, self._task.id, reason="requested")
        for _ in range(2):
            self._ask()
        self.world.dynamo.faults = self.faults
        self._trouble, self.faults.rate = True, self.rng.choice([0.002, 0.01, 0.03])
        self.world.run_until(START + TROUBLE)
        self._trouble, self.faults.rate = False, 0.0
        self.world.run_until(START + TROUBLE + RECOVERY)
        return self

    def _ask(self) -> None:
        first = START.replace(second=0) - PERIOD * self.rng.randint(20, 30)
        slots = [first + PERIOD * n for n in range(self.rng.randint(1, 14))]
        wish = BackfillWish(
            start=first - timedelta(seconds=self.rng.randint(0, 599)),
            end=slots[-1] + timedelta(seconds=self.rng.randint(1, 600)),
            max_parallel=self.rng.choice([1, 1, 2, 5]),
        )
        backfills = self.world.context.backfills
        plan = backfills.plan(OWNER, self._task.id, wish)
        job_id = backfills.start(plan, job_id=new_id(self.world.clock.now()))
        self._jobs[job_id] = slots

    def violations(self) -> list[str]:
        """Return one sentence for each promise that was broken."""
        found = [
            f"the backfill {job_id} is {view.status}: {view.reason}"
            for job_id in self._jobs
            if (view := self.world.context.jobs.view(OWNER, job_id)).status
            is not JobStatus.COMPLETED
        ]
        runs = self.world.context.tasks.runs
        views, _ = runs.page(self._task.id, trigger=Trigger.BACKFILL, start_after=None, limit=100)
        calls = Counter(call.run_id for call in self.world.calls)
        for view in views:
            if view.status is not JobStatus.COMPLETED:
                found.append(f"the run of {view.ref.due_at} is {view.status}: {view.reason}")
            if calls[view.ref.job_id] > len(runs.attempts(view)):
                found.append(f"the log of {view.ref.due_at} does not know all calls")
        made = Counter(view.ref.due_at for view in views)
        wanted = {slot for slots in self._jobs.values() for slot in slots}
        found += [f"{slot} was not made" for slot in wanted - set(made)]
        found += [f"{slot} was made for nobody" for slot in set(made) - wanted]
        rows = ((str(row["pk"]), str(row["sk"])) for row in self.world.dynamo.items("jobs"))
        left = [sk for pk, sk in rows if pk.startswith("GATE#") and sk.startswith("P#")]
        return found + [f"{sk} is left in line" for sk in left]
