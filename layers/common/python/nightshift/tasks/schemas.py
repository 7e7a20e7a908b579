"""Bodies and answers of the task API (PRODUCT: "Words of the task API")."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from nightshift.http.schemas import ApiModel, QueryModel, UtcTime
from nightshift.jobs.model import JobStatus, Overlap
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.jobs.views import JobView
from nightshift.tasks.flow_schemas import FlowControlIn
from nightshift.tasks.model import Definition, Method, Misfire, TaskStatus, TaskView
from nightshift.tasks.runs_schemas import time_of
from nightshift.tasks.spread import MAX_SPREAD_S

MAX_NAME_CHARS = 200
MAX_SCHEDULE_CHARS = 200
MAX_URL_CHARS = 2_048
MAX_PAYLOAD_BYTES = 65_536
MAX_RETRIES = 20
MAX_DELAY_S = 7 * 86_400
MAX_DELAYS = 20
MIN_TIMEOUT_S = 1
MAX_TIMEOUT_S = 120
MAX_PREVIEW = 100
NEXT_RUNS_SHOWN = 5


def _check_printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("Use printable characters, with no space at either end")
    return text


def _check_payload(value: JsonValue) -> JsonValue:
    if len(_payload_text(value).encode()) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"The payload has at most {MAX_PAYLOAD_BYTES} bytes as JSON")
    return value


def _payload_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_ms(seconds: float) -> float:
    return round(seconds, 3)


Seconds = Annotated[float, Field(ge=0, le=MAX_DELAY_S), AfterValidator(_to_ms)]


class RetryIn(ApiModel):
    """How long to wait before each retry."""

    backoff: Backoff = Field(default=Backoff.EXPONENTIAL, description="How the delay grows.")
    delay_s: Seconds = Field(default=5, description="The first delay, in seconds.")
    max_delay_s: Seconds = Field(default=900, description="The longest delay, in seconds.")
    jitter: bool = Field(default=True, description="Draw each delay from its upper half.")
    delays_s: list[Seconds] = Field(
        default_factory=list,
        max_length=MAX_DELAYS,
        description="The delays of backoff `list`, in seconds; the last one repeats.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.backoff is Backoff.LIST) != bool(self.delays_s):
            raise ValueError("Give delays_s with backoff `list`, and with no other")
        return self

    def policy(self) -> RetryPolicy:
        """Return the engine's form."""
        return RetryPolicy(
            backoff=self.backoff,
            delay_s=self.delay_s,
            max_delay_s=self.max_delay_s,
            jitter=self.jitter,
            delays_s=tuple(self.delays_s),
        )

    @classmethod
    def of(cls, policy: RetryPolicy) -> Self:
        """Return the API's form."""
        return cls(
            backoff=policy.backoff,
            delay_s=policy.delay_s,
            max_delay_s=policy.max_delay_s,
            jitter=policy.jitter,
            delays_s=list(policy.delays_s),
        )


class TaskIn(ApiModel):
    """What a task is."""

    task_name: Annotated[str, AfterValidator(_check_printable)] = Field(
        min_length=1, max_length=MAX_NAME_CHARS
    )
    webhook_url: str = Field(max_length=MAX_URL_CHARS, description="What is called; http or https.")
    task_schedule: str | None = Field(
        default=None,
        max_length=MAX_SCHEDULE_CHARS,
        description="Five-field cron, an @alias, rate(N unit), at(time), or null: on demand only.",
        examples=["*/5 * * * *", "@daily", "rate(30 minutes)", "at(2030-12-01T09:00:05Z)"],
    )
    timezone: str = Field(
        default="UTC", max_length=64, description="An IANA name, such as Europe/Berlin."
    )
    method: Method = Method.POST
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every call.")
    json_payload: Annotated[JsonValue, AfterValidator(_check_payload)] = Field(
        default=None, description="Sent as the body, exactly; null sends none."
    )
    max_retry: int = Field(default=3, ge=0, le=MAX_RETRIES)
    retry: RetryIn = Field(default_factory=RetryIn)
    timeout_s: Annotated[float, AfterValidator(_to_ms)] = Field(
        default=30, ge=MIN_TIMEOUT_S, le=MAX_TIMEOUT_S, description="For a whole call."
    )
    overlap: Overlap = Field(
        default=Overlap.SKIP, description="What a slot does while a run of the task is open."
    )
    misfire: Misfire = Field(
        default=Misfire.RUN_ONCE, description="Which slots that were missed are made up for."
    )
    on_failure_url: str | None = Field(
        default=None, max_length=MAX_URL_CHARS, description="Told when a run has failed for good."
    )
    pause_after_failures: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Slots that fail in a row until the task pauses; null: the server's setting.",
    )
    flow_control: FlowControlIn = Field(default_factory=FlowControlIn)
    spread_s: int = Field(
        default=0,
        ge=0,
        le=MAX_SPREAD_S,
        description="The window, in seconds after each slot, in which its run starts: each task "
        "has a moment of its own in it.",
    )

    def definition(self) -> Definition:
        """Return the domain's form."""
        payload = None if self.json_payload is None else _payload_text(self.json_payload)
        return Definition(
            name=self.task_name,
            url=self.webhook_url,
            schedule=self.task_schedule,
            timezone=self.timezone,
            method=self.method,
            headers=self.headers,
            payload=payload,
            max_retry=self.max_retry,
            retry=self.retry.policy(),
            timeout_s=self.timeout_s,
            overlap=self.overlap,
            misfire=self.misfire,
            on_failure_url=self.on_failure_url,
            pause_after=self.pause_after_failures,
            flow=self.flow_control.flow(),
            spread_s=self.spread_s,
        )

    @classmethod
    def fields_of(cls, said: Definition) -> dict[str, Any]:
        """Return the API's fields of a definition, as Python values."""
        return {
            "task_name": said.name,
            "webhook_url": said.url,
            "task_schedule": said.schedule,
            "timezone": said.timezone,
            "method": said.method,
            "headers": dict(said.headers),
            "json_payload": None if said.payload is None else json.loads(said.payload),
            "max_retry": said.max_retry,
            "retry": RetryIn.of(said.retry),
            "timeout_s": said.timeout_s,
            "overlap": said.overlap,
            "misfire": said.misfire,
            "on_failure_url": said.on_failure_url,
            "pause_after_failures": said.pause_after,
            "flow_control": FlowControlIn.of(said.flow),
            "spread_s": said.spread_s,
        }


class TaskPatch(TaskIn):
    """The fields of a task that are to change; what is left out stays."""

    task_name: Annotated[str, AfterValidator(_check_printable)] = Field(
        default="", min_length=1, max_length=MAX_NAME_CHARS
    )
    webhook_url: str = Field(default="", max_length=MAX_URL_CHARS)

    def amended(self, said: Definition) -> Definition:
        """Return `said` with the fields that this patch names."""
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        return TaskIn(**(TaskIn.fields_of(said) | changes)).definition()


class LastRun(ApiModel):
    """The newest run of a task."""

    run_id: str
    status: JobStatus
    scheduled_for: UtcTime
    started_at: UtcTime | None
    ended_at: UtcTime | None


class TaskOut(TaskIn):
    """A task as it stands."""

    id: str
    key: str | None = Field(description="The caller's own key, if the task was made by one.")
    task_status: TaskStatus
    pause_reason: str | None
    next_run_at: UtcTime | None = Field(description="The next slot.")
    next_start_at: UtcTime | None = Field(
        description="When the next slot's run starts: later than the slot if the task spreads."
    )
    next_runs: list[UtcTime] = Field(description="The next slots.")
    last_run: LastRun | None
    created_at: UtcTime
    updated_at: UtcTime
    version: int

    @classmethod
    def of(cls, view: TaskView, next_runs: list[datetime]) -> Self:
        """Return the answer for a task."""
        task = view.task
        return cls(
            **cls.fields_of(task.definition),
            id=task.id,
            key=task.key,
            task_status=view.status,
            pause_reason=task.pause_reason,
            next_run_at=next_runs[0] if next_runs else None,
            next_start_at=next_runs[0] + task.offset if next_runs else None,
            next_runs=next_runs,
            last_run=_last_run(view.last),
            created_at=task.created_at,
            updated_at=task.updated_at,
            version=task.version,
        )


def _last_run(job: JobView | None) -> LastRun | None:
    if job is None:
        return None
    return LastRun(
        run_id=job.ref.job_id,
        status=job.status,
        scheduled_for=job.ref.due_at,
        started_at=time_of(job.started_ms),
        ended_at=time_of(job.ended_ms),
    )


class TaskPage(ApiModel):
    """A page of tasks, newest first."""

    items: list[TaskOut]
    next_cursor: str | None


class PreviewQuery(QueryModel):
    """Which slots to show."""

    schedule: str = Field(min_length=1, max_length=MAX_SCHEDULE_CHARS)
    timezone: str = Field(default="UTC", max_length=64)
    n: int = Field(default=5, ge=1, le=MAX_PREVIEW, description="How many slots.")
    spread_s: int = Field(
        default=0, ge=0, le=MAX_SPREAD_S, description="The window after each slot, in seconds."
    )


class WindowOut(ApiModel):
    """A slot, and the window in which its run would start."""

    scheduled_for: UtcTime
    starts_from: UtcTime
    starts_until: UtcTime


class PreviewOut(ApiModel):
    """The next slots of a schedule, and when their runs would start.

    Which moment of the window is a task's own shows once the task exists.
    """

    schedule: str
    timezone: str
    next_runs: list[UtcTime]
    windows: list[WindowOut]

    @classmethod
    def of(cls, query: PreviewQuery, slots: list[datetime]) -> Self:
        """Return the answer for a schedule's slots."""
        window = timedelta(seconds=query.spread_s)
        return cls(
            schedule=query.schedule,
            timezone=query.timezone,
            next_runs=slots,
            windows=[
                WindowOut(scheduled_for=slot, starts_from=slot, starts_until=slot + window)
                for slot in slots
            ],
        )
