"""A table with many tasks of which few are due: what does a tick read?"""

from collections.abc import Iterator
from typing import Any

from nightshift.aws.dynamo import Put, marshal_item
from nightshift.core.access import UserId
from nightshift.core.clock import to_ms
from nightshift.jobs.agenda import Agenda, shard_of
from nightshift.tasks.groups import group_of, member_of
from nightshift.tasks.model import Definition, Task, TaskId
from tests.support.dynamo import FakeDynamoDB
from tests.support.world import OWNER, START, URL, World

DUE = 500
DUE_SCHEDULE = "20 12 * * *"
HOURS = 23


def tick_read_units(tasks: int, *, due: int = DUE) -> float:
    """Return the read units of one tick with `tasks` tasks, `due` of which fall into its minute."""
    world = World(dynamo=FakeDynamoDB(["jobs", "tasks"], strict=False, keep_calls=False))
    world.dynamo.seed("jobs", _crowd(world.context.machine.agenda, tasks, due))
    world.clock.set(START.replace(minute=17, second=0))
    world.tick()
    world.clock.advance(seconds=60)
    world.dynamo.meter.reset()
    sent = len(world.queue.sent)
    world.tick()
    assert len(world.queue.sent) - sent == due
    return world.dynamo.meter.read_units


def _crowd(agenda: Agenda, tasks: int, due: int) -> Iterator[dict[str, Any]]:
    """Yield what the creation of the tasks would leave in the agenda; a tick reads nothing else.

    The members of a group differ in their ids alone, so each group's first member is made by the
    product and copied for the others: a million of them would take minutes otherwise.
    """
    members: dict[tuple[str, int], dict[str, Any]] = {}
    for number in range(tasks):
        schedule = DUE_SCHEDULE if number < due else _elsewhen(number)
        task_id = f"01980000-0000-7000-8000-{number:012x}"
        group = (schedule, shard_of(task_id))
        if group not in members:
            member, hint = _entry(agenda, task_id, schedule)
            members[group] = marshal_item(member.item)
            yield marshal_item(hint.item)
        yield {**members[group], "sk": {"S": task_id}}


def _elsewhen(number: int) -> str:
    """Return one of many daily schedules, none of them in the hour in which the tick looks."""
    minute, hour = number % 60, (13 + number % HOURS) % 24
    return f"{minute} {hour} * * *"


def _entry(agenda: Agenda, task_id: str, schedule: str) -> list[Put]:
    task = Task(
        id=TaskId(task_id),
        owner_id=UserId(OWNER),
        definition=Definition(name="t", url=URL, schedule=schedule),
        created_at=START,
        updated_at=START,
        anchor=START,
        active_since=START,
    )
    slot = task.schedule.next_after(START) if task.schedule else None
    assert slot is not None
    return agenda.join_parts(group_of(task), member_of(task, slot), first_ms=to_ms(slot))
