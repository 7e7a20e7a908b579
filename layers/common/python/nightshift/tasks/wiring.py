"""Builds the tasks context and the engine under it, one object graph a process."""

import base64
import os
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from nightshift.adapters.bus import EventBridgeBus
from nightshift.adapters.queue import SqsQueue
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, SystemClock
from nightshift.core.environment import SettingsError, load
from nightshift.core.ids import new_id
from nightshift.jobs.dead import DeadLetters
from nightshift.jobs.service import JobService
from nightshift.jobs.settings import EngineSettings
from nightshift.jobs.sweeper import Sweeper
from nightshift.jobs.tick import Ticker
from nightshift.jobs.wiring import Machine, Parts, build_machine
from nightshift.ports.bus import Bus
from nightshift.ports.sender import OutboundAnswer, OutboundRequest, Sender
from nightshift.tasks.groups import TaskGroups
from nightshift.tasks.jobs import FailureHandling, FailureNotice, TaskCalls, TaskRun
from nightshift.tasks.model import Task
from nightshift.tasks.planning import Planner
from nightshift.tasks.service import TaskService
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.signing import TaskSecrets
from nightshift.tasks.store import TaskStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """The effects that the context stands on beside the engine's; tests give fakes."""

    tasks_table: Table
    bus: Bus
    sender: Callable[[], Sender]
    master_key: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the functions take out of this context."""

    tasks: TaskService
    jobs: JobService
    secrets: TaskSecrets
    machine: Machine
    ticker: Ticker
    sweeper: Sweeper
    dead_letters: DeadLetters
    clock: Clock


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


def compose(machine: Machine, outside: Outside, settings: TaskSettings) -> Context:
    """Return the context on `machine`, with its kinds put into it."""
    clock = machine.parts.clock
    store = TaskStore(outside.tasks_table)
    secrets = TaskSecrets(
        outside.tasks_table, outside.master_key, clock, overlap_s=settings.signing_overlap_s
    )
    tasks = TaskService(
        store=store,
        jobs=machine.jobs,
        planner=Planner(machine.agenda, machine.jobs, settings),
        clock=clock,
        new_id=new_id,
        settings=settings,
    )
    calls = TaskCalls(LazySender(outside.sender), secrets, clock)
    failures = FailureHandling(
        store=store,
        jobs=machine.jobs,
        bus=outside.bus,
        pause=partial(_pause, tasks),
        pause_after=settings.pause_after_failures,
    )
    run = TaskRun(store=store, calls=calls, on_failed=failures)
    notice = FailureNotice(store=store, calls=calls)
    machine.kinds.update({run.name: run, notice.name: notice})
    return Context(
        tasks=tasks,
        jobs=machine.jobs,
        secrets=secrets,
        machine=machine,
        ticker=machine.ticker(TaskGroups(settings)),
        sweeper=machine.sweeper(),
        dead_letters=machine.dead_letters(),
        clock=clock,
    )


def _pause(tasks: TaskService, task: Task, reason: str) -> None:
    tasks.pause(task.owner_id, task.id, reason=reason)


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
    clock = SystemClock()
    machine = build_machine(
        Parts(
            table=Table(clients.dynamodb(), engine.jobs_table),
            queue=SqsQueue(clients.sqs, engine.runs_queue_url),
            clock=clock,
            random=random.random,
            new_token=lambda: uuid.uuid4().hex,
            sleep=time.sleep,
            retention_days=settings.run_retention_days,
        )
    )
    outside = Outside(
        tasks_table=Table(clients.dynamodb(), engine.tasks_table),
        bus=EventBridgeBus(clients.events, engine.bus_name, clock),
        sender=partial(_sender, allow_loopback=settings.allow_loopback),
        master_key=cache(partial(_master_key, engine.sealing_key_param)),
    )
    return compose(machine, outside, settings)


def _sender(*, allow_loopback: bool) -> Sender:
    from nightshift.outbound.sender import HttpSender  # noqa: PLC0415 - only functions that call

    return HttpSender(allow_loopback=allow_loopback)


def _master_key(parameter: str) -> bytes:
    from nightshift.adapters.secrets_ssm import SsmSecrets  # noqa: PLC0415 - at the first call only

    return base64.b64decode(SsmSecrets(clients.ssm).get(parameter))
