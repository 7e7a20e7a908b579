"""The body and the answer of a backfill."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.jobs.gates import MAX_PARALLELISM
from nightshift.tasks.backfills import BackfillPlan, BackfillWish

MAX_RUNS = 10_000
DEFAULT_PARALLEL = 10


class BackfillOverlap(StrEnum):
    """Whether a backfill's runs wait for one another."""

    QUEUE = "queue"
    ALLOW = "allow"


class BackfillIn(ApiModel):
    """Which past slots of a task to run."""

    start: UtcTime = Field(
        description="The first moment that counts; a slot at it is in the range.",
        examples=["2026-11-01T00:00:00Z"],
    )
    end: UtcTime = Field(
        description="Where the range ends, now at the latest; a slot at it is not in the range.",
        examples=["2026-11-02T00:00:00Z"],
    )
    overlap: BackfillOverlap = Field(
        default=BackfillOverlap.QUEUE,
        description="`queue`: one run after the other; `allow`: up to `max_parallel` at once.",
    )
    max_parallel: int | None = Field(
        default=None,
        ge=1,
        le=MAX_PARALLELISM,
        description=f"Runs at once with overlap `allow`; null: {DEFAULT_PARALLEL}.",
    )
    max_runs: int | None = Field(
        default=None,
        ge=1,
        le=MAX_RUNS,
        description="Only the first so many slots; null: all, and more than the server allows are "
        "refused.",
    )
    rerun: bool = Field(
        default=False, description="Run slots again that have run successfully or are open."
    )
    dry_run: bool = Field(default=False, description="Only tell which slots there are.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.max_parallel is not None and self.overlap is not BackfillOverlap.ALLOW:
            raise ValueError("Give max_parallel with overlap `allow` only")
        return self

    def wish(self) -> BackfillWish:
        """Return the domain's form."""
        alone = self.overlap is BackfillOverlap.QUEUE
        return BackfillWish(
            start=self.start,
            end=self.end,
            max_runs=self.max_runs,
            max_parallel=1 if alone else self.max_parallel or DEFAULT_PARALLEL,
            rerun=self.rerun,
        )


class BackfillOut(ApiModel):
    """A backfill, or what one would be."""

    job_id: str | None = Field(
        description="The job that starts the runs, with its progress; null for a dry run."
    )
    task_id: str
    slots: int = Field(description="How many slots are looked at; those that ran are skipped.")
    first_slot: UtcTime | None
    last_slot: UtcTime | None
    end: UtcTime = Field(
        description="Where the range ends: what the schedule itself may still call is left out."
    )
    left_out: bool = Field(description="Whether the range has more slots than `max_runs`.")

    @classmethod
    def of(cls, plan: BackfillPlan, job_id: str | None) -> Self:
        """Return the answer."""
        return cls(
            job_id=job_id,
            task_id=plan.task.id,
            slots=plan.job.slots,
            first_slot=plan.first,
            last_slot=plan.last,
            end=plan.end,
            left_out=plan.left_out,
        )
