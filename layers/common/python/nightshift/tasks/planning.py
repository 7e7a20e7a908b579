"""Which writes and messages put a task's schedule into force, and which take it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nightshift.aws.dynamo import TransactPart
from nightshift.core.clock import to_ms
from nightshift.jobs.agenda import Agenda
from nightshift.jobs.model import Message
from nightshift.jobs.service import JobService
from nightshift.tasks.groups import group_of, member_of, slot_ref
from nightshift.tasks.model import Misfire, Task
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.spread import first_message

MAX_DIRECT_SLOTS = 80
"""What lies in an hour's window of a task that runs each minute, and in the next few minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduling:
    """Writes for the task's own transaction, and messages to send once it stands."""

    parts: Sequence[TransactPart] = ()
    messages: Sequence[Message] = ()


class Planner:
    """Turns schedules into agenda entries.

    Ticks may already have passed the next few minutes, so the slots in them are sent directly; from
    then on the task is a member of its group.
    """

    def __init__(self, agenda: Agenda, jobs: JobService, settings: TaskSettings) -> None:
        self._agenda = agenda
        self._jobs = jobs
        self._settings = settings

    def enter(self, task: Task, now: datetime, *, since: datetime) -> Scheduling:
        """Return what puts the task's schedule into force at `now`, for the slots after `since`.

        Slots between the two waited in the task's window until now. Where a smaller one would have
        had more than one of them start already, the last of these starts, at once.
        """
        schedule = task.schedule
        if schedule is None or task.paused:
            return Scheduling()
        until = self._jobs.direct_until()
        near: list[datetime] = []
        slot = schedule.next_after(since)
        while slot is not None and slot + task.offset <= until and len(near) < MAX_DIRECT_SLOTS:
            if near and slot + task.offset <= now:
                near.pop()
            near.append(slot)
            slot = schedule.next_after(slot)
        messages = [_first_message(task, slot) for slot in near]
        parts: list[TransactPart] = [*self._jobs.direct_parts(messages)]
        if slot is not None:
            parts += self._later(task, slot)
        return Scheduling(parts=parts, messages=messages)

    def _later(self, task: Task, slot: datetime) -> Sequence[TransactPart]:
        if task.schedule is not None and task.is_recurring:
            return self._agenda.join_parts(
                group_of(task), member_of(task, slot), first_ms=to_ms(slot + task.offset)
            )
        grace_ms = self._settings.misfire_grace_s * 1000
        late_ok_ms = grace_ms if task.definition.misfire is Misfire.SKIP else None
        return [self._agenda.single_part(_first_message(task, slot), late_ok_ms=late_ok_ms)]

    def leave(self, task: Task, *, staying: Task | None = None) -> Scheduling:
        """Return what takes the task's schedule out of force.

        With `staying`, the task as it is about to re-enter, an entry that it will overwrite is left
        alone: one transaction cannot hold two writes of one item. Messages on their way are not
        called back; the task's epoch makes them void.
        """
        if task.schedule is None or task.paused or not task.is_recurring:
            return Scheduling()
        spec = group_of(task)
        if staying is not None and _rejoins(staying, spec):
            return Scheduling()
        return Scheduling(parts=[self._agenda.leave_part(spec, task.id)])


def _rejoins(task: Task, spec: str) -> bool:
    return task.is_recurring and not task.paused and group_of(task) == spec


def _first_message(task: Task, slot: datetime) -> Message:
    overlap = task.definition.overlap
    ref = slot_ref(task.owner_id, task.id, task.epoch, slot, overlap, offset=task.offset)
    return first_message(ref)
