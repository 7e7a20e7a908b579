"""Answers about queues."""

from typing import Self

from pydantic import Field

from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.jobs.model import QueueName
from nightshift.jobs.queues import WEIGHTS, QueueView
from nightshift.ports.queue import Depth


class DepthOut(ApiModel):
    """How many messages a queue holds, about."""

    visible: int = Field(description="Waiting to be taken.")
    delayed: int = Field(description="Waiting for their time.")
    in_flight: int = Field(description="Being worked on.")
    total: int

    @classmethod
    def of(cls, depth: Depth) -> Self:
        """Return the API's form."""
        return cls(
            visible=depth.visible,
            delayed=depth.delayed,
            in_flight=depth.in_flight,
            total=depth.total,
        )


class QueueOut(ApiModel):
    """A queue."""

    name: QueueName
    weight: int = Field(description="Its share of what may run at once, beside the others'.")
    depth: DepthOut
    held: int = Field(description="Messages kept back while it is paused, counted up to 1000.")
    is_paused: bool
    paused_at: UtcTime | None
    paused_by: str | None = Field(description="The id of the administrator.")

    @classmethod
    def of(cls, queue: QueueView) -> Self:
        """Return the API's form."""
        return cls(
            name=queue.name,
            weight=WEIGHTS[queue.name],
            depth=DepthOut.of(queue.depth),
            held=queue.held,
            is_paused=queue.paused_at is not None,
            paused_at=queue.paused_at,
            paused_by=queue.paused_by,
        )


class QueueList(ApiModel):
    """All queues."""

    items: list[QueueOut]
