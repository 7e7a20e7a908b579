"""Tasks as items of the tasks table, and back."""

from typing import Any

from nightshift.aws.dynamo import Item
from nightshift.core.access import UserId
from nightshift.core.clock import from_ms, to_ms
from nightshift.jobs.model import Overlap
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.tasks import keys
from nightshift.tasks.model import (
    Definition,
    FlowControl,
    Limits,
    Method,
    Misfire,
    Task,
    TaskId,
)

SCHEMA_VERSION = 1


def task_item(task: Task) -> Item:
    """Return the item of a task; what is empty is left out."""
    return {
        **keys.task(task.owner_id, task.id),
        **_definition_item(task.definition),
        "v": SCHEMA_VERSION,
        "key": task.key,
        "anchor": to_ms(task.anchor),
        "since": to_ms(task.active_since),
        "paused": task.paused or None,
        "pause_reason": task.pause_reason,
        "epoch": task.epoch,
        "version": task.version,
        "created": to_ms(task.created_at),
        "updated": to_ms(task.updated_at),
    }


def _definition_item(said: Definition) -> Item:
    return {
        "name": said.name,
        "schedule": said.schedule,
        "tz": said.timezone,
        "url": said.url,
        "method": said.method.value,
        "headers": dict(said.headers) or None,
        "payload": said.payload,
        "max_retry": said.max_retry,
        "retry": retry_map(said.retry),
        "timeout_s": said.timeout_s,
        "overlap": said.overlap.value,
        "misfire": said.misfire.value,
        "on_failure_url": said.on_failure_url,
        "pause_after": said.pause_after,
        "flow": flow_map(said.flow) or None,
        "spread_s": said.spread_s or None,
    }


def task_of(item: Item) -> Task:
    """Return the task in an item."""
    return Task(
        id=TaskId(item["sk"].removeprefix(keys.TASK)),
        owner_id=UserId(item["pk"].removeprefix(keys.OWNER)),
        definition=_definition_of(item),
        key=item.get("key"),
        anchor=from_ms(item["anchor"]),
        active_since=from_ms(item["since"]),
        paused=bool(item.get("paused")),
        pause_reason=item.get("pause_reason"),
        epoch=item["epoch"],
        version=item["version"],
        created_at=from_ms(item["created"]),
        updated_at=from_ms(item["updated"]),
    )


def _definition_of(item: Item) -> Definition:
    return Definition(
        name=item["name"],
        url=item["url"],
        schedule=item.get("schedule"),
        timezone=item["tz"],
        method=Method(item["method"]),
        headers=item.get("headers", {}),
        payload=item.get("payload"),
        max_retry=item["max_retry"],
        retry=_retry_of(item["retry"]),
        timeout_s=float(item["timeout_s"]),
        overlap=Overlap(item["overlap"]),
        misfire=Misfire(item["misfire"]),
        on_failure_url=item.get("on_failure_url"),
        pause_after=item.get("pause_after"),
        flow=_flow_of(item.get("flow", {})),
        spread_s=item.get("spread_s", 0),
    )


def limits_map(limits: Limits) -> dict[str, Any]:
    """Return limits as a plain map; what is unlimited is left out."""
    full = {"par": limits.parallelism, "rate": limits.rate, "per": limits.period_s}
    return {k: v for k, v in full.items() if v is not None}


def limits_of(data: dict[str, Any]) -> Limits:
    """Return the limits in what `limits_map` made."""
    period_s = data.get("per")
    return Limits(
        parallelism=data.get("par"),
        rate=data.get("rate"),
        period_s=None if period_s is None else float(period_s),
    )


def flow_map(flow: FlowControl) -> dict[str, Any]:
    """Return a task's flow control as a plain map, empty for none."""
    return limits_map(flow.limits) | ({"key": flow.key} if flow.key is not None else {})


def _flow_of(data: dict[str, Any]) -> FlowControl:
    return FlowControl(key=data.get("key"), limits=limits_of(data))


def retry_map(policy: RetryPolicy) -> dict[str, Any]:
    """Return a retry policy as a plain map."""
    return {
        "backoff": policy.backoff.value,
        "delay_s": policy.delay_s,
        "max_delay_s": policy.max_delay_s,
        "jitter": policy.jitter,
        "delays_s": list(policy.delays_s),
    }


def _retry_of(data: dict[str, Any]) -> RetryPolicy:
    return RetryPolicy(
        backoff=Backoff(data["backoff"]),
        delay_s=data["delay_s"],
        max_delay_s=data["max_delay_s"],
        jitter=data["jitter"],
        delays_s=tuple(data["delays_s"]),
    )
