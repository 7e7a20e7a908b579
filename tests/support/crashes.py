"""The crash matrix: what one scenario must come to with one fault at one of its calls."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from nightshift.jobs.items import record_of
from nightshift.tasks.model import RUN_KIND
from tests.support.faults import Fault, FaultMode, FaultPlan, Request, Seen
from tests.support.lives import Life
from tests.support.scenarios import DONE, SCENARIOS, Story

MODES = (
    FaultMode.CRASH_BEFORE,
    FaultMode.ERROR,
    FaultMode.ANSWER_LOST,
    FaultMode.ALL_LOST,
    FaultMode.CRASH_AFTER,
    FaultMode.DELAY,
)
PINNED = Path(__file__).parent.parent / "data" / "crash_matrix.json"
"""Every call of every scenario. A new call is new ground: look what its loss would do, then add it
by `python -m tests.support.crashes`."""
TICKING = frozenset({"delayed", "task"})
"""Scenarios in which a tick has something to do."""


def calls_of(name: str) -> Counter[str]:
    """Return the calls of a scenario in which nothing goes wrong, by what each is for."""
    plan = FaultPlan(stays_dead=True)
    SCENARIOS[name](Story(life=Life(plan)))
    return Counter(purpose_of(seen) for seen in plan.seen)


class OneFault(FaultPlan):
    """Breaks the n-th call that is for `purpose`; threads may make the calls in any order."""

    def __init__(self, purpose: str, occurrence: int, mode: FaultMode) -> None:
        super().__init__(stays_dead=True)
        self._purpose = purpose
        self._left = occurrence
        self._mode = mode
        self.action: Callable[[], object] = lambda: None
        self.struck = False

    def __call__(self, operation: str, request: Request) -> Fault | None:
        """Return what shall happen to this call."""
        seen = Seen(ordinal=0, operation=operation, request=request)
        if purpose_of(seen) == self._purpose:
            self._left -= 1
            if self._left == 0:
                self.struck = True
                self.faults[len(self.seen) + 1] = Fault(mode=self._mode, action=self.action)
        return super().__call__(operation, request)


def with_fault(name: str, purpose: str, occurrence: int, mode: FaultMode) -> list[str]:
    """Live through a scenario with one fault; return one sentence for each broken promise."""
    plan = OneFault(purpose, occurrence, mode)
    life = Life(plan)
    plan.action = life.meanwhile
    story = Story(life=life)
    SCENARIOS[name](story)
    life.recover(ticks=name in TICKING)
    said = _violations(story, name) if plan.struck else ["the call did not come"]
    return [f"{name}, {purpose} ({occurrence}), {mode}: {sentence}" for sentence in said]


def _violations(story: Story, name: str) -> list[str]:
    life = story.life
    rows = life.dynamo.items("jobs")
    records = [record_of(_plain(i)) for i in rows if str(i["sk"]).startswith("R#")]
    by_id = {str(record.ref.job_id): record for record in records}
    orders = {str(i["sk"]) for i in rows if str(i["pk"]).startswith("OWN#")}
    said = [f"{job_id} was answered and is not there" for job_id in _missing(story, orders, name)]
    if len(by_id) != len(records):
        said.append("a job has two records")
    if stuck := [i for i in {*orders, *by_id} if i not in by_id or not by_id[i].is_terminal]:
        said.append(f"stuck: {stuck}")
        return said
    for label, job_id in _named(story, orders).items():
        if by_id[job_id].status not in story.ends.get(label, DONE):
            said.append(f"{label} ended as {by_id[job_id].status}: {by_id[job_id].reason}")
    said += _effects(story, by_id)
    said += _events(story, by_id)
    waiting = [i["sk"] for i in rows if _waits(i)]
    return said + ([f"still waiting: {waiting}"] if waiting else [])


def _named(story: Story, orders: set[str]) -> dict[str, str]:
    named = {label: i for label, i in story.jobs.items() if i in orders}
    return named | {i.removeprefix("job-"): i for i in orders if i.startswith("job-")}


def _missing(story: Story, orders: set[str], name: str) -> list[str]:
    if name == "task":
        runs = story.life.process(wired=False).jobs
        made = [i for label, i in story.jobs.items() if label == "task"]
        found = [runs.page(RUN_KIND, i, start_after=None, limit=5)[0] for i in made]
        return [i for i, views in zip(made, found, strict=True) if len(views) != 1]
    return [job_id for job_id in story.jobs.values() if job_id not in orders]


def _effects(story: Story, by_id: dict[Any, Any]) -> list[str]:
    """Return where work was begun more often than once for each attempt and each fault."""
    begun = story.hand.done + Counter(c.headers["webhook-id"] for c in story.life.calls)
    most = dict.fromkeys(by_id, 1 + (2 if story.life.calls else 1))
    labels = {job_id: label for label, job_id in story.jobs.items()}
    said = []
    for job_id, count in begun.items():
        base = story.effects.get(labels.get(job_id, job_id.removeprefix("job-")), 1)
        allowed = max(most.get(job_id, 0), base + 1)
        if count > allowed:
            said.append(f"{job_id} was begun {count} times, {allowed} allowed")
        if count > by_id[job_id].closed:
            said.append(f"{job_id} was begun {count} times, its log has {by_id[job_id].closed}")
        log = story.life.process(wired=False).jobs.attempts(
            by_id[job_id].ref.kind, by_id[job_id].ref.subject, job_id
        )
        if [a.number for a in log] != list(range(1, len(log) + 1)):
            said.append(f"the log of {job_id} has holes: {[a.number for a in log]}")
    return said


def _events(story: Story, by_id: dict[Any, Any]) -> list[str]:
    """Return whose end was not told of, or told in two ways."""
    told: dict[str, set[tuple[str, str]]] = {}
    for kind, job_id, event_id in story.life.events.seen:
        told.setdefault(job_id, set()).add((kind, event_id))
    mine = [i for i, r in by_id.items() if r.ref.kind == "test.chore"]
    ends = {i: told.get(i, set()) for i in mine}
    reopened = {i for i, r in by_id.items() if r.ref.trigger == "manual"}
    return [
        f"the end of {i} was told as {sorted(kinds)}"
        for i, kinds in ends.items()
        if len(kinds) != 1 and not (i in reopened and len(kinds) == 2)
    ]


def _waits(item: dict[str, Any]) -> bool:
    pk, sk = str(item["pk"]), str(item["sk"])
    return sk.startswith("P#") or (pk.startswith("GATE#") and sk.startswith("H#"))


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value

    return {k: plain(v) for k, v in item.items()}


def purpose_of(seen: Seen) -> str:
    """Return a call in short: the operation, and which rows or things it is about."""
    service, _, operation = seen.operation.partition(":")
    read: dict[str, Callable[[Any], str]] = {
        "dynamodb": _rows,
        "sqs": lambda r: str(r["QueueUrl"]).rpartition("/")[2],
        "events": lambda r: ",".join(sorted({e["DetailType"] for e in r["Entries"]})),
        "s3": lambda r: str(r["Key"]).split("/")[0],
    }
    return f"{operation} {read[service](seen.request)}"


def _rows(request: dict[str, Any]) -> str:
    if "TransactItems" in request:
        parts = [(k, v) for item in request["TransactItems"] for k, v in item.items()]
        return " + ".join(f"{k} {_row(v.get('Item') or v['Key'])}" for k, v in parts)
    if "RequestItems" in request:
        wanted = [k for v in request["RequestItems"].values() for k in v["Keys"]]
        return ", ".join(sorted({_row(k) for k in wanted}))
    if "KeyConditionExpression" in request:
        values = request["ExpressionAttributeValues"]
        bounds = [v["S"] for k, v in sorted(values.items()) if k != ":pk"]
        return f"{_family(values[':pk']['S'])} [{' '.join(_family(b) for b in bounds)}]"
    return _row(request.get("Item") or request["Key"])


def _row(key: dict[str, Any]) -> str:
    return f"{_family(key['pk']['S'])}/{_family(key['sk']['S'])}"


def _family(text: str) -> str:
    """Return what kind of key it is, without what differs from one to the next."""
    head, separator, _ = text.partition("#")
    return head if separator or not any(c.isdigit() for c in text) else "id"


def pinned() -> dict[str, dict[str, int]]:
    """Return the calls that the matrix covers: scenario, purpose, how often."""
    read: dict[str, dict[str, int]] = json.loads(PINNED.read_text())
    return read


def _pin() -> None:
    found = {name: dict(sorted(calls_of(name).items())) for name in SCENARIOS}
    PINNED.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    _pin()
