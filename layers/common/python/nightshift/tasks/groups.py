"""What the tick must know of tasks: the slots of a group, and who wants which of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from nightshift.core.clock import from_ms, to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.agenda import Member
from nightshift.jobs.model import JobId, JobRef, Message, Overlap, Trigger
from nightshift.tasks.model import RUN_KIND, Misfire, Task
from nightshift.tasks.schedule import Schedule, ScheduleKind, from_spec, parse
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.spread import first_message, lane_of

SPECS_CACHED = 4096
MINUTE_S = 60
_NO_OFFSET = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """A schedule whose starts are `shift`, whole minutes, after its slots."""

    schedule: Schedule
    shift: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first start strictly after `moment`."""
        slot = self.schedule.next_after(moment - self.shift)
        return None if slot is None else slot + self.shift


@lru_cache(maxsize=SPECS_CACHED)
def _group(spec: str) -> _Group:
    shift, mark, rest = spec.partition("+|")
    if not mark:
        return _Group(schedule=from_spec(spec), shift=_NO_OFFSET)
    return _Group(schedule=from_spec(rest), shift=timedelta(minutes=int(shift)))


def slot_ref(
    owner_id: str,
    task_id: str,
    epoch: int,
    slot: datetime,
    overlap: Overlap,
    *,
    offset: timedelta = _NO_OFFSET,
) -> JobRef:
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
        lane=lane_of(offset),
    )


def group_of(task: Task) -> str:
    """Return the spec of the group that a recurring task belongs to.

    Rates that differ in the second only share a group, whose slots are whole minutes: so a period
    of five minutes has five groups, not three hundred. The members know their seconds. Tasks that
    start some minutes after their slots are in the group of those minutes, so that a tick finds
    each when it is to start.
    """
    schedule = task.schedule
    if schedule is None:
        raise ValueError("a task without a schedule belongs to no group")
    second = 0
    if schedule.kind is ScheduleKind.RATE:
        second = task.anchor.second
        anchor = task.anchor.replace(second=0, microsecond=0)
        schedule = parse(schedule.text, timezone=schedule.timezone, anchor=anchor)
    shift = (second + task.offset // timedelta(seconds=1)) // MINUTE_S
    return f"{shift}+|{schedule.spec}" if shift else schedule.spec


def member_of(task: Task, first: datetime) -> Member:
    """Return the task's entry in its group; `first` is its first slot."""
    start = first + task.offset
    data = {
        "o": task.owner_id,
        "e": task.epoch,
        "m": task.definition.misfire.value,
        "s": start.second,
        "w": task.definition.overlap.value,
        "x": task.offset // timedelta(seconds=1) or None,
    }
    return Member(subject=task.id, from_ms=to_ms(start), data=data)


def _ref_of(member: Member, start: datetime) -> JobRef:
    said = member.data
    offset = timedelta(seconds=said.get("x") or 0)
    overlap = Overlap(said["w"])
    return slot_ref(said["o"], member.subject, said["e"], start - offset, overlap, offset=offset)


class TaskGroups:
    """`jobs.tick.Groups` for tasks that share a schedule; to the tick, slots are starts."""

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings

    def next_slot_ms(self, spec: str, after_ms: int) -> int | None:
        """Return the first slot strictly after `after_ms`, None if there is none."""
        slot = _group(spec).next_after(from_ms(after_ms))
        return None if slot is None else to_ms(slot)

    def expand(
        self, spec: str, slot_ms: int, members: Iterable[Member], now: datetime
    ) -> list[Message]:
        """Return the messages that the members want for a slot, misfire rules applied."""
        messages = []
        wanted: dict[int, frozenset[Misfire]] = {}
        for member in members:
            second = member.data["s"]
            start = from_ms(slot_ms + second * 1000)
            if second not in wanted:
                wanted[second] = self._policies(spec, start, now)
            if member.from_ms <= to_ms(start) and Misfire(member.data["m"]) in wanted[second]:
                messages.append(first_message(_ref_of(member, start)))
        return messages

    def _policies(self, spec: str, start: datetime, now: datetime) -> frozenset[Misfire]:
        """Return the misfire policies under which a member is still called for this start."""
        late = now - start
        if late <= timedelta(seconds=self._settings.misfire_grace_s):
            return frozenset(Misfire)
        wanted = set()
        if late <= timedelta(seconds=self._settings.misfire_tolerance_s):
            wanted.add(Misfire.RUN_ALL)
        following = _group(spec).next_after(start)
        if following is None or following + timedelta(seconds=start.second) > now:
            wanted.add(Misfire.RUN_ONCE)
        return frozenset(wanted)
