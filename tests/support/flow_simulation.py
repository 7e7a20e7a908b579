"""The seeded life of a stack whose tasks share limits and start at moments of their own."""

from nightshift.tasks.model import FlowControl, Limits
from tests.support.task_life import TaskLife

LIMITS = (
    Limits(),
    Limits(parallelism=1),
    Limits(rate=6, period_s=60),
    Limits(parallelism=2, rate=1, period_s=5),
)


class FlowSimulation(TaskLife):
    """One seed's life; limits are wide enough that nobody waits for more than a few minutes."""

    def more_fields(self) -> dict[str, object]:
        """Return limits of one key, and a window."""
        flow = FlowControl(key="k", limits=self.rng.choice(LIMITS))
        return {"flow": flow, "spread_s": self.rng.choice([0, 50, 200])}

    def violations(self) -> list[str]:
        """Return one sentence for each promise that was broken."""
        rows = ((str(row["pk"]), str(row["sk"])) for row in self.world.dynamo.items("jobs"))
        left = [sk for pk, sk in rows if pk.startswith("GATE#") and sk.startswith("P#")]
        return super().violations() + [f"{sk} is left in line" for sk in left]
