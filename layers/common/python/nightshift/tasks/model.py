"""A task: what is called, when, and how its failures are handled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NewType

from nightshift.core.access import UserId
from nightshift.jobs.model import Overlap
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.views import JobView
from nightshift.tasks.spread import offset_s

if TYPE_CHECKING:
    from nightshift.tasks.schedule import Schedule

TaskId = NewType("TaskId", str)

RUN_KIND = "task.run"
NOTICE_KIND = "task.notice"
BACKFILL_KIND = "task.backfill"


class TaskStatus(StrEnum):
    """How a task stands; all but `paused` follow from its runs."""

    READY = "ready"
    RUNNING = "running"
    FAILED = "failed"
    PAUSED = "paused"


class Misfire(StrEnum):
    """What happens to slots that could not be called in time, for example after an outage."""

    SKIP = "skip"
    RUN_ONCE = "run_once"
    RUN_ALL = "run_all"


class Method(StrEnum):
    """The HTTP methods that a task may call with."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    GET = "GET"
    DELETE = "DELETE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many calls may be under way at once, and how many may start in `period_s` seconds.

    None is no limit; without a period, a rate is a second's.
    """

    parallelism: int | None = None
    rate: int | None = None
    period_s: float | None = None

    def __bool__(self) -> bool:
        return self.parallelism is not None or self.rate is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowControl:
    """The key whose limits a task shares with others of its owner, None for its URL's host.

    With a key and no limits of its own, a task has those that are pinned for the key.
    """

    key: str | None = None
    limits: Limits = Limits()

    def __bool__(self) -> bool:
        return self.key is not None or bool(self.limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """What a user says of a task.

    `schedule` is the text as written, None for a task that runs on demand only. `payload` is the
    JSON text that is sent, None for no body. `pause_after` is the number of slots that must fail in
    a row before the task pauses itself, None for the server's setting. `spread_s` is the window, in
    seconds after its slot, in which a run starts.
    """

    name: str
    url: str
    schedule: str | None = None
    timezone: str = "UTC"
    method: Method = Method.POST
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: str | None = None
    max_retry: int = 3
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout_s: float = 30.0
    overlap: Overlap = Overlap.SKIP
    misfire: Misfire = Misfire.RUN_ONCE
    on_failure_url: str | None = None
    pause_after: int | None = None
    flow: FlowControl = FlowControl()
    spread_s: int = 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as stored.

    `anchor` is when the schedule was set; rates count from it. `active_since` is when it last came
    into force. `epoch` counts the changes of schedule and pause: a message of an earlier epoch
    starts nothing. `version` counts all changes.
    """

    id: TaskId
    owner_id: UserId
    definition: Definition
    created_at: datetime
    updated_at: datetime
    anchor: datetime
    active_since: datetime
    key: str | None = None
    paused: bool = False
    pause_reason: str | None = None
    epoch: int = 1
    version: int = 1

    @cached_property
    def schedule(self) -> "Schedule | None":
        """The parsed schedule, None for a task that runs on demand only."""
        said = self.definition
        if said.schedule is None:
            return None
        from nightshift.tasks.schedule import parse  # noqa: PLC0415 - the listener needs none

        return parse(said.schedule, timezone=said.timezone, anchor=self.anchor)

    @property
    def is_recurring(self) -> bool:
        """Whether the schedule has more than one slot."""
        return self.schedule is not None and self.schedule.kind != "at"

    @cached_property
    def offset(self) -> timedelta:
        """By how much the task's runs start after their slots."""
        return timedelta(seconds=offset_s(self.id, self.definition.spread_s))

    def next_runs(self, now: datetime, n: int) -> list[datetime]:
        """Return up to `n` next slots, those whose runs start after `now`; none while paused."""
        if self.schedule is None or self.paused:
            return []
        return self.schedule.upcoming(max(self.active_since, now - self.offset), n)


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowKey:
    """A flow-control key of an owner. `pinned` stands over the limits that its tasks say."""

    owner_id: UserId
    key: str
    updated_at: datetime
    pinned: Limits | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskView:
    """A task with what follows from its runs."""

    task: Task
    last: JobView | None

    @property
    def status(self) -> TaskStatus:
        """The task's status, derived."""
        if self.task.paused:
            return TaskStatus.PAUSED
        if self.last is None:
            return TaskStatus.READY
        return {
            "pending": TaskStatus.RUNNING,
            "processing": TaskStatus.RUNNING,
            "failed": TaskStatus.FAILED,
        }.get(self.last.status.value, TaskStatus.READY)
