"""Builds the tasks context and the engine under it, one object graph a process."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.access import UserId
from nightshift.core.environment import SettingsError, load
from nightshift.jobs.settings import EngineSettings
from nightshift.jobs.wiring import Machine, get_machine
from nightshift.ports.bus import Bus
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Sender
from nightshift.tasks.errors import TaskNotFoundError
from nightshift.tasks.failures import FailureHandling, FailureNotice
from nightshift.tasks.flow import FlowGates
from nightshift.tasks.flow_store import FlowStore
from nightshift.tasks.jobs import TaskCalls, TaskRun
from nightshift.tasks.letters import NoNotifier, Notifier, OwnerLetters
from nightshift.tasks.model import BACKFILL_KIND, Task
from nightshift.tasks.settings import TaskSettings, TasksTable
from nightshift.tasks.signing import TaskSecrets
from nightshift.tasks.store import TaskStore

if TYPE_CHECKING:
    from nightshift.jobs.dead import DeadLetters
    from nightshift.jobs.kinds import JobKind
    from nightshift.jobs.model import Gate
    from nightshift.jobs.sweeper import Sweeper
    from nightshift.jobs.tick import Ticker
    from nightshift.tasks.backfill import Backfill
    from nightshift.tasks.backfills import BackfillService
    from nightshift.tasks.flow_service import FlowService
    from nightshift.tasks.service import TaskService

FORGET_AT_ONCE = 100
"""Tasks of an owner who is gone that are read at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """The effects that the context stands on beside the engine's; tests give fakes."""

    tasks_table: Table
    bus: Bus
    sender: Callable[[], Sender]
    master_key: Callable[[], bytes]
    notifier: Callable[[], Notifier] = NoNotifier


class Context:
    """The tasks context on an engine, with its kinds put into it.

    What only some functions need is made, and imported, when it is asked for.
    """

    def __init__(self, machine: Machine, outside: Outside, settings: TaskSettings) -> None:
        self.machine = machine
        self.jobs = machine.jobs
        self.clock = machine.parts.clock
        self.store = TaskStore(outside.tasks_table)
        self._flow_store = FlowStore(outside.tasks_table)
        self.secrets = TaskSecrets(
            outside.tasks_table,
            outside.master_key,
            self.clock,
            overlap_s=settings.signing_overlap_s,
        )
        self._settings = settings
        self._add_kinds(outside)

    def _add_kinds(self, outside: Outside) -> None:
        calls = TaskCalls(LazySender(outside.sender), self.clock)
        failures = FailureHandling(
            store=self.store,
            jobs=self.jobs,
            bus=outside.bus,
            pause=self._pause,
            pause_after=self._settings.pause_after_failures,
            letters=OwnerLetters(outside.notifier),
        )
        run = TaskRun(
            store=self.store,
            secrets=self.secrets,
            calls=calls,
            clock=self.clock,
            flow=FlowGates(self._flow_store),
            records=self.machine.store.find_records,
            stale_after_s=self._settings.misfire_queue_grace_s,
            on_failed=failures,
        )
        notice = FailureNotice(
            store=self.store,
            jobs=self.jobs,
            secrets=self.secrets,
            calls=calls,
            clock=self.clock,
        )
        self.machine.lifecycle.tell_in_batches(run.name, notice.name)
        self.machine.kinds.add(run.name, lambda: run)
        self.machine.kinds.add(notice.name, lambda: notice)
        self.machine.add_lazily(BACKFILL_KIND, lambda: self._backfill_kind)

    @cached_property
    def _backfill_kind(self) -> "JobKind[Backfill]":
        from nightshift.tasks.backfill import Backfilling, backfill_kind  # noqa: PLC0415 - the same

        handler = Backfilling(store=self.store, many=self.machine.many, view=self.jobs.view)
        return backfill_kind(handler)

    def _pause(self, task: Task, reason: str) -> None:
        self.tasks.pause(task.owner_id, task.id, reason=reason)

    def forget(self, owner_id: UserId) -> None:
        """Remove all that an owner has who is gone; running it again does the rest.

        The logs of runs are left to their retention.
        """
        while found := self.store.page(owner_id, start_after=None, limit=FORGET_AT_ONCE)[0]:
            for task in found:
                with suppress(TaskNotFoundError):
                    self.tasks.delete(owner_id, task.id)
        self.store.clear(owner_id)

    @cached_property
    def tasks(self) -> "TaskService":
        """The tasks of their owners."""
        from nightshift.tasks.planning import Planner  # noqa: PLC0415 - see the class
        from nightshift.tasks.service import TaskService  # noqa: PLC0415 - see the class

        return TaskService(
            store=self.store,
            jobs=self.jobs,
            planner=Planner(self.machine.agenda, self.jobs, self._settings),
            flow=self.flow,
            clock=self.clock,
            new_id=self.machine.parts.new_id,
            settings=self._settings,
        )

    @cached_property
    def flow(self) -> "FlowService":
        """The flow-control keys of their owners."""
        from nightshift.tasks.flow_service import FlowService  # noqa: PLC0415 - see the class

        return FlowService(
            store=self._flow_store, gates=self.machine.gates, wake=self._wake, clock=self.clock
        )

    def _wake(self, gate: "Gate") -> None:
        self.machine.engine.send_now(self.machine.gates.wake(gate))

    @cached_property
    def backfills(self) -> "BackfillService":
        """Backfills of the tasks."""
        from nightshift.tasks.backfills import BackfillService  # noqa: PLC0415 - see the class

        return BackfillService(
            tasks=self.tasks,
            jobs=self.jobs,
            kind=self._backfill_kind,
            clock=self.clock,
            settings=self._settings,
        )

    @cached_property
    def ticker(self) -> "Ticker":
        """The tick that queues what falls due."""
        from nightshift.tasks.groups import TaskGroups  # noqa: PLC0415 - see the class

        return self.machine.ticker(TaskGroups(self._settings))

    @cached_property
    def sweeper(self) -> "Sweeper":
        """The sweeper that finds what was lost."""
        return self.machine.sweeper()

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """The keeper of dead letters."""
        return self.machine.dead_letters()


class LazySender:
    """Makes the real sender at the first call, so that what never calls never imports it."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        self._make = cache(make)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Make the call; see `ports.sender.Sender.send`."""
        return await self._make().send(request)

    async def aclose(self) -> None:
        """Release the sender."""
        await self._make().aclose()


@cache
def get_context() -> Context:
    """Return the process's context over AWS, from its environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    engine = load(EngineSettings, os.environ)
    settings = load(TaskSettings, os.environ)
    if settings.allow_loopback and engine.stage != "local":
        raise SettingsError("NIGHTSHIFT_ALLOW_LOOPBACK is for the local stack only; unset it.")
    machine = get_machine()
    outside = Outside(
        tasks_table=Table(clients.dynamodb(), load(TasksTable, os.environ).tasks_table),
        bus=machine.parts.bus,
        sender=partial(_sender, allow_loopback=settings.allow_loopback),
        master_key=cache(partial(_master_key, engine.sealing_key_param)),
        notifier=_notifier,
    )
    return Context(machine, outside, settings)


def _notifier() -> Notifier:
    from nightshift.email.wiring import get_context  # noqa: PLC0415 - at the first letter only

    return get_context().mailer


def _sender(*, allow_loopback: bool) -> Sender:
    from nightshift.outbound.sender import HttpSender  # noqa: PLC0415 - only functions that call

    return HttpSender(allow_loopback=allow_loopback)


def _master_key(parameter: str) -> bytes:
    from nightshift.adapters.secrets import stack_secrets  # noqa: PLC0415 - at the first call only
    from nightshift.http.keys import parse_key  # noqa: PLC0415 - the same

    return parse_key(stack_secrets(os.environ).get(parameter), parameter)
