"""Bodies and answers of many tasks at once."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from nightshift.http.schemas import ApiModel
from nightshift.tasks.schemas import TaskOut

MAX_KEY_CHARS = 128
MAX_BATCH = 100


class BatchIn(ApiModel):
    """Tasks to create; each stands for itself, so each is judged alone."""

    tasks: list[JsonValue] = Field(min_length=1, max_length=MAX_BATCH)


class BatchDeleteIn(ApiModel):
    """Tasks to delete, by id or key."""

    task_ids: list[Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARS)]] = Field(
        min_length=1, max_length=MAX_BATCH
    )


class BatchItem(ApiModel):
    """What came of one item: `task` where it succeeded, a problem where not."""

    status: int
    id: str | None = None
    task: TaskOut | None = None
    problem: dict[str, Any] | None = None


class BatchOut(ApiModel):
    """One result for each item, in order."""

    items: list[BatchItem]
