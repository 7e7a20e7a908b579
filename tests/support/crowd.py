"""A table with many tasks of which few are due: what does a tick read?"""

from datetime import timedelta

from nightshift.core.access import UserId
from nightshift.core.clock import to_ms
from nightshift.core.ids import derived_id
from nightshift.tasks.groups import group_of, member_of
from nightshift.tasks.model import Definition, Task, TaskId
from tests.support.dynamo import FakeDynamoDB
from tests.support.world import OWNER, START, URL, World

DUE = 500
HOURS = 23


def tick_read_units(tasks: int, *, due: int = DUE) -> float:
    """Return the read units of one tick with `tasks` tasks, `due` of which fall into its minute."""
    world = World(dynamo=FakeDynamoDB(["jobs", "tasks"], keep_calls=False))
    for number in range(due):
        _enter(world, number, "20 12 * * *")
    for number in range(due, tasks):
        minute, hour = number % 60, (13 + number % HOURS) % 24
        hour = hour if hour != 12 else 11  # noqa: PLR2004 - the hour in which the tick looks
        _enter(world, number, f"{minute} {hour} * * *")
    world.clock.set(START.replace(minute=17, second=0))
    world.tick()
    world.clock.advance(seconds=60)
    world.dynamo.meter.reset()
    sent = len(world.queue.sent)
    world.tick()
    assert len(world.queue.sent) - sent == due
    return world.dynamo.meter.read_units


def _enter(world: World, number: int, schedule: str) -> None:
    """Put a task into the agenda as its creation would; the tick reads nothing else of it."""
    task = Task(
        id=TaskId(derived_id(START + timedelta(milliseconds=number), str(number))),
        owner_id=UserId(OWNER),
        definition=Definition(name="t", url=URL, schedule=schedule),
        created_at=START,
        updated_at=START,
        anchor=START,
        active_since=START,
    )
    slot = task.schedule.next_after(START) if task.schedule else None
    assert slot is not None
    agenda = world.context.machine.agenda
    member = member_of(task, slot)
    for put in agenda.join_parts(group_of(task), member, first_ms=to_ms(slot)):
        world.context.machine.parts.table.write(put)
