"""From an SQS batch to the worker and back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from nightshift.jobs.entry import LambdaContext, deadline_of, failures
from nightshift.jobs.model import JobStatus
from nightshift.jobs.worker import Delivery, Report, Worker
from nightshift.observability import Log, measure_all

if TYPE_CHECKING:
    from nightshift.jobs.lifecycle import Lifecycle
    from nightshift.jobs.wiring import Machine

TABLE_THREADS = 16
END_MARGIN_S = 3.0

_T = TypeVar("_T")


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
    machine: "Machine",
    log: Log,
) -> dict[str, Any]:
    """Work on an SQS batch; answer the ids that are to be delivered again, and no others."""
    clock = machine.parts.clock
    worker = Worker(
        engine=machine.engine,
        kinds=machine.kinds,
        clock=clock,
        offload=offload,
        is_paused=machine.queues.is_paused,
        hold=machine.queues.hold,
    )
    deliveries = [Delivery(message_id=r["messageId"], body=r["body"]) for r in event["Records"]]
    deadline = deadline_of(context, clock, END_MARGIN_S)
    reports = _runner().run(worker.run(deliveries, deadline=deadline))
    _tell(reports, machine.lifecycle, log)
    return failures(r.message_id for r in reports if not r.done.acknowledge)


def _tell(reports: Sequence[Report], lifecycle: "Lifecycle", log: Log) -> None:
    """Write one line for the batch, and its metrics; failures of our own get their stack."""
    for report in reports:
        if report.error is not None:
            log.crash("job.crashed", report.error, **report.ids())
    log.batch("jobs.done", [report.line() for report in reports])
    runs: list[Report] = []
    others: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        ref = report.done.ref
        if ref is None or lifecycle.is_batched(ref.kind):
            runs.append(report)
        else:
            others.setdefault((ref.kind, ref.queue.value), []).append(report)
    if runs:
        _measure_runs(runs)
    for (kind, queue), portion in others.items():
        _measure_jobs(portion, kind=kind, queue=queue)


def _measure_runs(reports: Sequence[Report]) -> None:
    late = [float(r.late_ms) for r in reports if r.late_ms is not None]
    metrics = {
        "RunsDelivered": ("Count", [_count(reports, JobStatus.COMPLETED)]),
        "RunsFailed": ("Count", [_count(reports, JobStatus.FAILED)]),
    }
    if late:
        metrics["RunLatenessMs"] = ("Milliseconds", late)
    measure_all(metrics)


def _measure_jobs(reports: Sequence[Report], *, kind: str, queue: str) -> None:
    """Measure the jobs of one kind and queue; each name with its dimensions is billed."""
    took = [
        float(r.done.record.last.execution_ms)
        for r in reports
        if r.done.record is not None
        and r.done.record.last is not None
        and r.done.record.last.execution_ms is not None
    ]
    metrics = {
        "JobsCompleted": ("Count", [_count(reports, JobStatus.COMPLETED)]),
        "JobsFailed": ("Count", [_count(reports, JobStatus.FAILED)]),
    }
    if took:
        metrics["JobMs"] = ("Milliseconds", took)
    measure_all(metrics, Kind=kind, Queue=queue)


def _count(reports: Sequence[Report], status: JobStatus) -> float:
    return float(sum(r.done.record is not None and r.done.record.status is status for r in reports))
