"""From Lambda events to the engine and back: batches, ticks and sweeps."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar

from nightshift.core.clock import Clock
from nightshift.jobs.dead import DeadLetters
from nightshift.jobs.engine import Engine
from nightshift.jobs.model import Kind
from nightshift.jobs.sweeper import Sweeper
from nightshift.jobs.tick import Ticker
from nightshift.jobs.worker import Delivery, Report, Worker
from nightshift.observability import Log, count, measure_all

TABLE_THREADS = 16
END_MARGIN_S = 3.0
PERIODIC_MARGIN_S = 8.0

_T = TypeVar("_T")


class LambdaContext(Protocol):
    """What the handlers need of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        ...


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(TABLE_THREADS)


async def offload(function: Callable[[], _T]) -> _T:
    """Run a blocking call on the process's threads."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), function)


def run_batch(
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    engine: Engine,
    kinds: Mapping[str, Kind],
    clock: Clock,
    log: Log,
) -> dict[str, Any]:
    """Work on an SQS batch; answer the ids that are to be delivered again, and no others."""
    worker = Worker(engine=engine, kinds=kinds, clock=clock, offload=offload)
    deliveries = [Delivery(message_id=r["messageId"], body=r["body"]) for r in event["Records"]]
    deadline = _deadline(context, clock, END_MARGIN_S)
    reports = _runner().run(worker.run(deliveries, deadline=deadline))
    _tell(reports, log)
    return failures(r.message_id for r in reports if not r.done.acknowledge)


def bury_batch(event: Mapping[str, Any], *, letters: DeadLetters, log: Log) -> dict[str, Any]:
    """Keep a batch of dead letters; answer the ids that could not be kept."""
    failed = []
    for record in event["Records"]:
        try:
            letter = letters.bury(record["body"])
        except Exception:  # noqa: BLE001 - the batch loop: one letter never spoils the others
            log.failure("dead_letter.failed", message_id=record["messageId"])
            failed.append(record["messageId"])
            continue
        if letter is not None:
            log.warning("dead_letter.buried", job_id=letter.id, reason=letter.reason)
            count("DeadLetters")
    return failures(failed)


def run_tick(context: LambdaContext, *, ticker: Ticker, clock: Clock, log: Log) -> None:
    """Run one tick and say what it did."""
    report = ticker.run(deadline=_deadline(context, clock, PERIODIC_MARGIN_S))
    log.info(
        "tick.done",
        minutes=report.minutes,
        messages=report.messages,
        lag_ms=report.lag_ms,
        skipped=report.skipped,
    )
    if not report.skipped:
        measure_all({"TickLagSeconds": ("Seconds", [report.lag_ms / 1000])})


def run_sweep(context: LambdaContext, *, sweeper: Sweeper, clock: Clock, log: Log) -> None:
    """Run one sweep and say what it did."""
    report = sweeper.run(deadline=_deadline(context, clock, PERIODIC_MARGIN_S))
    log.info(
        "sweep.done",
        checked=report.checked,
        rescued=report.rescued,
        given_up=report.given_up,
        skipped=report.skipped,
    )
    if report.rescued:
        count("RunsRescued", report.rescued)


def failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """Return the partial batch answer that names exactly these messages."""
    return {"batchItemFailures": [{"itemIdentifier": mid} for mid in message_ids]}


def _deadline(context: LambdaContext, clock: Clock, margin_s: float) -> datetime:
    left_s = context.get_remaining_time_in_millis() / 1000 - margin_s
    return clock.now() + timedelta(seconds=left_s)


def _tell(reports: Sequence[Report], log: Log) -> None:
    """Write one line and one metric blob for the batch; failures of our own get their stack."""
    for report in reports:
        if report.error is not None:
            log.crash("job.crashed", report.error, **report.ids())
    log.batch("jobs.done", [report.line() for report in reports])
    ended = [r.done.record for r in reports if r.done.record is not None]
    late = [float(r.late_ms) for r in reports if r.late_ms is not None]
    metrics = {
        "RunsDelivered": ("Count", [float(sum(r.status == "completed" for r in ended))]),
        "RunsFailed": ("Count", [float(sum(r.status == "failed" for r in ended))]),
    }
    if late:
        metrics["RunLatenessMs"] = ("Milliseconds", late)
    measure_all(metrics)
