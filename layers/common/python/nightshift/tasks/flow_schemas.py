"""Bodies and answers of flow control: limits that tasks share by a key."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from nightshift.core.clock import from_ms
from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.jobs.gates import MAX_PARALLELISM
from nightshift.tasks.flow_service import MAX_COUNTED, FlowView
from nightshift.tasks.model import FlowControl, Limits

MAX_KEY_CHARS = 253
"""As many as a host's name may have (RFC 1035)."""
KEY_PATTERN = f"[A-Za-z0-9_:@][A-Za-z0-9._~:@-]{{0,{MAX_KEY_CHARS - 1}}}"
MAX_RATE = 1_000
MIN_PERIOD_S = 1
MAX_PERIOD_S = 86_400


def _to_ms(seconds: float) -> float:
    return round(seconds, 3)


class LimitsIn(ApiModel):
    """How many calls at once, and how many in a period."""

    parallelism: int | None = Field(
        default=None,
        ge=1,
        le=MAX_PARALLELISM,
        description="How many calls may be under way at once; null: any number.",
    )
    rate: int | None = Field(
        default=None,
        ge=1,
        le=MAX_RATE,
        description="How many calls may start in a period, evenly spaced; null: any number.",
    )
    period_s: Annotated[float, AfterValidator(_to_ms)] | None = Field(
        default=None,
        ge=MIN_PERIOD_S,
        le=MAX_PERIOD_S,
        description="The rate's period, in seconds; null: one second.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.period_s is not None and self.rate is None:
            raise ValueError("Give rate with period_s: how many calls may start in the period")
        return self

    def limits(self) -> Limits:
        """Return the domain's form."""
        return Limits(parallelism=self.parallelism, rate=self.rate, period_s=self.period_s)


class FlowControlIn(LimitsIn):
    """Limits on a task's calls, shared by all of the owner's tasks with the same key.

    What is over waits its turn and costs no retry. With neither a key nor a limit there is none.
    With a key alone, the limits are those pinned for it.
    """

    key: str | None = Field(
        default=None,
        pattern=f"^{KEY_PATTERN}$",
        max_length=MAX_KEY_CHARS,
        description="Whose limits they are: letters, digits, `.`, `_`, `~`, `:`, `@` and `-`; "
        "null: the host of the URL.",
    )

    def flow(self) -> FlowControl:
        """Return the domain's form."""
        return FlowControl(key=self.key, limits=self.limits())

    @classmethod
    def of(cls, flow: FlowControl) -> Self:
        """Return the API's form."""
        limits = flow.limits
        return cls(
            key=flow.key,
            parallelism=limits.parallelism,
            rate=limits.rate,
            period_s=limits.period_s,
        )


class FlowPinIn(LimitsIn):
    """Limits that stand over those of the tasks with the key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rate": 10, "period_s": 60}]})

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if not self.limits():
            raise ValueError("Give parallelism or rate; DELETE goes back to the tasks' own limits")
        return self


class InsideOut(ApiModel):
    """A run whose call is under way."""

    run_id: str
    task_id: str


class FlowOut(LimitsIn):
    """A flow-control key; its limits are null unless they are pinned."""

    key: str
    pinned: bool
    running: list[InsideOut] = Field(
        description="The runs that hold one of the places of a limit on parallelism."
    )
    waiting: int = Field(description=f"How many runs wait; {MAX_COUNTED} means that many or more.")
    next_start_at: UtcTime | None = Field(
        description="The next start that a rate has left; null: at once."
    )
    version: int
    updated_at: UtcTime

    @classmethod
    def of_view(cls, view: FlowView) -> Self:
        """Return the answer for a key."""
        known, state = view.known, view.state
        limits = known.pinned or Limits()
        inside = [(subject.partition("/")[0], run_id) for subject, run_id in state.inside]
        return cls(
            key=known.key,
            parallelism=limits.parallelism,
            rate=limits.rate,
            period_s=limits.period_s,
            pinned=known.pinned is not None,
            running=[InsideOut(run_id=run_id, task_id=task_id) for task_id, run_id in inside],
            waiting=state.waiting,
            next_start_at=None if state.next_ms is None else from_ms(state.next_ms),
            version=known.version,
            updated_at=known.updated_at,
        )


class FlowPage(ApiModel):
    """A page of flow-control keys, in their order."""

    items: list[FlowOut]
    next_cursor: str | None
