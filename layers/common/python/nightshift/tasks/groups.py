"""What the tick must know of tasks: the slots of a group, and who wants which of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from nightshift.core.clock import from_ms, to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.agenda import Member
from nightshift.jobs.model import JobId, JobRef, Message, Overlap, Trigger
from nightshift.tasks.model import RUN_KIND, Misfire, Task
from nightshift.tasks.schedule import Schedule, ScheduleKind, from_spec, parse
from nightshift.tasks.settings import TaskSettings

SPECS_CACHED = 4096


@lru_cache(maxsize=SPECS_CACHED)
def _schedule(spec: str) -> Schedule:
    return from_spec(spec)


def slot_ref(owner_id: str, task_id: str, epoch: int, slot: datetime, overlap: Overlap) -> JobRef:
    """Return the run of a task's slot: the same slot is the same run, whoever dispatches it."""
    return JobRef(
        kind=RUN_KIND,
        subject=task_id,
        job_id=JobId(derived_id(slot, RUN_KIND, task_id)),
        owner_id=owner_id,
        due_ms=to_ms(slot),
        epoch=epoch,
        trigger=Trigger.SCHEDULE,
        overlap=overlap,
    )


def group_of(task: Task) -> str:
    """Return the spec of the group that a recurring task belongs to.

    Rates that differ in the second only share a group, whose slots are whole minutes: so a period
    of five minutes has five groups, not three hundred. The members know their seconds.
    """
    schedule = task.schedule
    if schedule is None:
        raise ValueError("a task without a schedule belongs to no group")
    if schedule.kind is ScheduleKind.RATE:
        anchor = task.anchor.replace(second=0, microsecond=0)
        schedule = parse(schedule.text, timezone=schedule.timezone, anchor=anchor)
    return schedule.spec


def member_of(task: Task, first: datetime) -> Member:
    """Return the task's entry in its group, with no slot before `first`."""
    data = {
        "o": task.owner_id,
        "e": task.epoch,
        "m": task.definition.misfire.value,
        "s": first.second,
        "w": task.definition.overlap.value,
    }
    return Member(subject=task.id, from_ms=to_ms(first), data=data)


def _ref_of(member: Member, slot: datetime) -> JobRef:
    said = member.data
    return slot_ref(said["o"], member.subject, said["e"], slot, Overlap(said["w"]))


class TaskGroups:
    """`jobs.tick.Groups` for tasks that share a schedule."""

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings

    def next_slot_ms(self, spec: str, after_ms: int) -> int | None:
        """Return the first slot strictly after `after_ms`, None if there is none."""
        slot = _schedule(spec).next_after(from_ms(after_ms))
        return None if slot is None else to_ms(slot)

    def expand(
        self, spec: str, slot_ms: int, members: Iterable[Member], now: datetime
    ) -> list[Message]:
        """Return the messages that the members want for a slot, misfire rules applied."""
        messages = []
        wanted: dict[int, frozenset[Misfire]] = {}
        for member in members:
            second = member.data["s"]
            slot = from_ms(slot_ms + second * 1000)
            if second not in wanted:
                wanted[second] = self._policies(spec, slot, now)
            if member.from_ms <= to_ms(slot) and Misfire(member.data["m"]) in wanted[second]:
                messages.append(Message.first(_ref_of(member, slot)))
        return messages

    def _policies(self, spec: str, slot: datetime, now: datetime) -> frozenset[Misfire]:
        """Return the misfire policies under which a member's slot is still called."""
        late = now - slot
        if late <= timedelta(seconds=self._settings.misfire_grace_s):
            return frozenset(Misfire)
        wanted = set()
        if late <= timedelta(seconds=self._settings.misfire_tolerance_s):
            wanted.add(Misfire.RUN_ALL)
        following = _schedule(spec).next_after(slot)
        if following is None or following + timedelta(seconds=slot.second) > now:
            wanted.add(Misfire.RUN_ONCE)
        return frozenset(wanted)
