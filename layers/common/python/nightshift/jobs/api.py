"""The routes of jobs."""

import hashlib
from typing import Any

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.jobs.errors import (
    JobNotEndedError,
    JobNotFoundError,
    JobNotOpenError,
    NoOutputError,
    QueueFullError,
    UniqueKeyTakenError,
)
from nightshift.jobs.kinds import BoundKind, JobKind
from nightshift.jobs.schemas import (
    AttemptOut,
    AttemptPage,
    BulkCancelIn,
    BulkRetryIn,
    JobOut,
    JobPage,
    JobQuery,
    JobStarted,
    JobStatusOut,
    JobWithPayload,
)
from nightshift.jobs.views import JobView
from nightshift.jobs.wiring import Machine

TAG_CHARS = 32

router: Router[Machine] = Router(tag="Jobs")


def job_out(machine: Machine, job: JobView) -> JobOut:
    """Return the API's form of a job; its kind knows how often it is retried."""
    said = _said(machine, job.ref.kind)
    return JobOut.of(job, said.max_retries if said else None)


def _said(machine: Machine, kind: str) -> JobKind[Any] | None:
    """Return what was declared of a kind, None for one that is unknown or no declared one."""
    found = machine.kinds.get(kind)
    return found.said if isinstance(found, BoundKind) else None


@router.route("GET", "/jobs", Permission.JOBS_READ, query=JobQuery, answer=JobPage)
def list_jobs(machine: Machine, request: Request[NoBody, JobQuery]) -> Reply:
    """List the caller's jobs, newest first.

    What a task's schedule starts is listed with the task, as its runs.
    """
    position = request.position()
    views, after = machine.jobs.owned.page(
        request.caller.user_id,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
        wanted=request.query.wanted(),
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=JobPage(items=[job_out(machine, v) for v in views], next_cursor=cursor))


@router.route(
    "GET",
    "/jobs/{job_id}",
    Permission.JOBS_READ,
    answer=JobWithPayload,
    errors=(JobNotFoundError,),
)
def get_job(machine: Machine, request: Request[NoBody]) -> Reply:
    """Get a job with what it was asked to do."""
    view, payload = machine.jobs.owned.inspect(request.caller.user_id, request.path["job_id"])
    said = _said(machine, view.ref.kind)
    if said is None:
        return Reply(body=JobWithPayload.of(view, None, payload=None))
    shown = payload if said.shows_payload else None
    return Reply(body=JobWithPayload.of(view, said.max_retries, payload=shown))


@router.route(
    "GET",
    "/jobs/{job_id}/status",
    Permission.JOBS_READ,
    answer=JobStatusOut,
    etag=True,
    errors=(JobNotFoundError,),
)
def get_job_status(machine: Machine, request: Request[NoBody]) -> Reply:
    """Ask how a job stands; with `If-None-Match`, 304 until that changes."""
    status = JobStatusOut.of(machine.jobs.view(request.caller.user_id, request.path["job_id"]))
    digest = hashlib.sha256(status.model_dump_json().encode()).hexdigest()[:TAG_CHARS]
    return Reply(body=status, headers={"etag": f'"{digest}"'})


@router.route(
    "GET",
    "/jobs/{job_id}/attempts",
    Permission.JOBS_READ,
    query=PageQuery,
    answer=AttemptPage,
    errors=(JobNotFoundError,),
)
def list_job_attempts(machine: Machine, request: Request[NoBody, PageQuery]) -> Reply:
    """List the attempts of a job, newest first."""
    position = request.position()
    attempts, after = machine.jobs.owned.attempts(
        request.caller.user_id,
        request.path["job_id"],
        start_after=int(position["attempt"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"attempt": after} if after else None)
    return Reply(body=AttemptPage(items=[AttemptOut.of(a) for a in attempts], next_cursor=cursor))


@router.route(
    "GET",
    "/jobs/{job_id}/download",
    Permission.JOBS_READ,
    status=302,
    errors=(JobNotFoundError, JobNotEndedError, NoOutputError),
)
def download_job_output(machine: Machine, request: Request[NoBody]) -> Reply:
    """Fetch the file that a job has made: a redirect to an address that works for five minutes."""
    url = machine.jobs.owned.output_url(request.caller.user_id, request.path["job_id"])
    return Reply(headers={"location": url})


@router.route(
    "POST",
    "/jobs/{job_id}/cancel",
    Permission.JOBS_WRITE,
    answer=JobOut,
    errors=(JobNotFoundError, JobNotOpenError, ConflictError),
)
def cancel_job(machine: Machine, request: Request[NoBody]) -> Reply:
    """Cancel an open job; what it is doing now ends at its next sign of life and does not count.

    Cancelling it again answers the same.
    """
    view = machine.jobs.owned.cancel(request.caller.user_id, request.path["job_id"])
    return Reply(body=job_out(machine, view))


@router.route(
    "POST",
    "/jobs/{job_id}/retry",
    Permission.JOBS_WRITE,
    answer=JobOut,
    status=202,
    idempotent=True,
    errors=(JobNotFoundError, JobNotEndedError, UniqueKeyTakenError, ConflictError),
)
def retry_job(machine: Machine, request: Request[NoBody]) -> Reply:
    """Try an ended job again, with a new series of retries.

    409 while another job of its unique key is open.
    """
    view = machine.jobs.owned.retry(request.caller.user_id, request.path["job_id"])
    return Reply(body=job_out(machine, view))


@router.route(
    "POST",
    "/jobs/bulk-cancel",
    Permission.JOBS_WRITE,
    body=BulkCancelIn,
    answer=JobStarted,
    status=202,
    idempotent=True,
    errors=(QueueFullError,),
)
def cancel_jobs(machine: Machine, request: Request[BulkCancelIn]) -> Reply:
    """Cancel many of the caller's open jobs, by filter.

    A job of its own does it, and counts in its result how many it `matched`, `changed`, and left
    `unchanged` for which reasons.
    """
    return _start_bulk(machine, request)


@router.route(
    "POST",
    "/jobs/bulk-retry",
    Permission.JOBS_WRITE,
    body=BulkRetryIn,
    answer=JobStarted,
    status=202,
    idempotent=True,
    errors=(QueueFullError,),
)
def retry_jobs(machine: Machine, request: Request[BulkRetryIn]) -> Reply:
    """Try many of the caller's ended jobs again, by filter; see `/jobs/bulk-cancel`."""
    return _start_bulk(machine, request)


def _start_bulk(machine: Machine, request: Request[BulkCancelIn] | Request[BulkRetryIn]) -> Reply:
    owner_id = request.caller.user_id
    order = request.body.order(owner_id, request.received_at)
    started = machine.jobs.enqueue(
        machine.bulk_kind, order, owner_id=owner_id, job_id=request.new_id()
    )
    location = {"location": f"/api/v1/jobs/{started.job_id}"}
    return Reply(body=JobStarted(job_id=started.job_id), headers=location)
