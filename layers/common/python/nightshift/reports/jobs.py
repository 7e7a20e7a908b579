"""The reports' one kind of jobs: `report.generate`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from nightshift.cache.model import Failure as CacheFailure
from nightshift.cache.service import Cache
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.ids import derived_id, id_time
from nightshift.jobs.kinds import Completed, Failed, Job, JobKind, Outcome, Snooze, Unique
from nightshift.jobs.model import JobStatus, QueueName, Reason, Record
from nightshift.jobs.retry import RetryPolicy
from nightshift.observability import Log
from nightshift.ports.bus import Bus, DomainEvent
from nightshift.ports.github import (
    GitHub,
    GitHubError,
    GitHubRateLimitedError,
    GitHubUserRenamedError,
    Pace,
)
from nightshift.reports import keys, periods
from nightshift.reports.document import Report
from nightshift.reports.making import Maker, encode, number_in
from nightshift.reports.model import CLAIM_MARGIN_S, KIND, MakeReport, Wish
from nightshift.reports.settings import ReportSettings

MAX_RETRIES = 3
RETRY = RetryPolicy(delay_s=10.0, max_delay_s=120.0)
TURN_S = 1.0
"""The pause between two turns of a report that takes longer than one attempt may."""
CLOSING_S = 30.0
"""What an attempt leaves of its time: for the answer that it waits for, and for keeping."""

SENTENCES = {
    Reason.TIMED_OUT: "Making the report took too long.",
    Reason.WORKER_LOST: "The making of the report was cut off.",
    Reason.CANCELLED: "The making of the report was stopped.",
}
"""What ends of jobs mean that have no sentence of their own."""


class TurnOverError(Exception):
    """The attempt's time is nearly over; what was read so far need not be asked again."""


class _Turn:
    """The pace of one attempt, and its link to the job and the log."""

    def __init__(
        self, job: Job[MakeReport], log: Log, clock: Clock, *, work_s: float, wait_s: float
    ) -> None:
        self._job = job
        self._log = log
        self._clock = clock
        self._until = clock.now() + timedelta(seconds=work_s)
        self._wait_s = wait_s
        self._step = ""

    def asked(self) -> None:
        """Stop where the time is over; see `ports.github.Pace`."""
        if self._clock.now() >= self._until:
            raise TurnOverError

    def got(self, done: int, total: int) -> None:
        """Tell how far a list has come; see `ports.github.Pace`."""
        self._job.progress(done, total, self._step)

    def may_wait(self, seconds: float) -> bool:
        """Wait for what is short and leaves time; see `ports.github.Pace`."""
        fits = self._clock.now() + timedelta(seconds=seconds) < self._until
        if fits and seconds <= self._wait_s:
            self.log("report.waits", wait_s=round(seconds))
            return True
        return False

    def tell(self, step: str, done: int, total: int | None) -> None:
        """Tell what comes next."""
        if step != self._step:
            self._step = step
            self.log("report.step", step=step)
        self._job.progress(done, total, step)

    def log(self, action: str, **fields: str | int | None) -> None:
        """Write a line with the job's ids, the user and the period."""
        said = self._job.payload
        self._log.info(
            action, job_id=self._job.id, username=said.username, period=said.period, **fields
        )


class ReportMaking:
    """The handler of `report.generate`."""

    def __init__(
        self,
        *,
        cache: Cache,
        github: Callable[[Pace], GitHub],
        bus: Bus,
        clock: Clock,
        log: Log,
        settings: ReportSettings,
        inline_wait_s: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._github = github
        self._bus = bus
        self._clock = clock
        self._log = log
        self._settings = settings
        self._inline_wait_s = inline_wait_s

    def __call__(self, job: Job[MakeReport]) -> Outcome:
        """Make the report and keep it; what takes longer goes on in another attempt."""
        turn = _Turn(
            job,
            self._log,
            self._clock,
            work_s=self._settings.task_timeout_seconds - CLOSING_S,
            wait_s=self._inline_wait_s(),
        )
        try:
            return self._make(job, turn)
        except TurnOverError:
            turn.log("report.turn_over")
            self._claim(job, for_s=TURN_S, note="reading on")
            return Snooze(delay_s=TURN_S)
        except GitHubRateLimitedError as error:
            return self._put_off(job, turn, error)
        except GitHubError as error:
            turn.log("report.failed", error=error.slug)
            if error.retryable:
                self._claim(job, for_s=RETRY.max_delay_s, note=error.message)
            return _failed(error)

    def _make(self, job: Job[MakeReport], turn: _Turn) -> Completed:
        now = self._clock.now()
        wish = wish_of(job.payload, now)
        self._claim(job, for_s=0, note="reading")
        key = keys.report(wish.user_key, job.payload.variant)
        found = self._cache.get_exact(key)
        maker = Maker(github=self._github(turn), tell=turn.tell, settings=self._settings, now=now)
        report = maker.make(wish, number_in(found.entry.body) if found.entry else None)
        turn.tell("keeping", 1, 1)
        over = wish.period.is_over(now)
        fresh_s = self._settings.report_over_fresh_s if over else self._settings.report_fresh_s
        keep_s = self._settings.report_keep_days * 86_400
        self._cache.put(
            key, encode(report), fresh_s=min(fresh_s, keep_s), keep_s=keep_s, marks=found.marks
        )
        self._bus.publish([_event(job, report)])
        turn.log("report.made", merged=report.pull_requests.merged)
        return Completed(
            result={
                "username": report.user.login,
                "period": report.period.label,
                "merged": report.pull_requests.merged,
            }
        )

    def _put_off(self, job: Job[MakeReport], turn: _Turn, error: GitHubRateLimitedError) -> Outcome:
        """Go on when GitHub's limit begins anew, if that is soon enough."""
        wait_s = error.retry_after_s or 0
        turn.log("report.rate_limited", wait_s=wait_s)
        if wait_s > self._settings.report_max_wait_s:
            return replace(_failed(error), retryable=False)
        self._claim(job, for_s=wait_s, note="waiting for GitHub's limit of requests")
        return Snooze(delay_s=max(TURN_S, wait_s))

    def _claim(self, job: Job[MakeReport], *, for_s: float, note: str) -> None:
        """Tell whoever looks that the report is being made, for the pause and an attempt after."""
        name = keys.report(job.subject, job.payload.variant).name
        lasting_s = for_s + self._settings.task_timeout_seconds + CLAIM_MARGIN_S
        self._cache.begin(name, job.id, for_s=lasting_s, note=note)

    def ended(self, record: Record) -> None:
        """Tell whoever looks that nobody makes the report any more, and why if it failed."""
        name = keys.report(record.ref.subject, record.ref.lane).name
        failure = None
        if record.status is not JobStatus.COMPLETED:
            reason = record.reason or record.status.value
            said = record.last.message if record.last and record.last.error == reason else ""
            failure = CacheFailure(
                error=reason,
                message=said or _sentence(reason),
                at_ms=record.ended_ms or to_ms(self._clock.now()),
            )
        self._cache.end(name, record.ref.job_id, failure)


def _sentence(reason: str) -> str:
    known = {str(key): text for key, text in SENTENCES.items()}
    return known.get(reason, "The report could not be made.")


def _failed(error: GitHubError) -> Failed:
    # Under its new name the user has a page of its own, to which the notice leads.
    message = f"{error.message}"
    if isinstance(error, GitHubUserRenamedError):
        message = f"{message} See /reports/{error.login}."
    return Failed(
        error=error.slug,
        message=message,
        retryable=error.retryable,
        retry_after_s=error.retry_after_s,
    )


def wish_of(payload: MakeReport, now: datetime) -> Wish:
    """Return what a job's payload wishes for; days are counted from now.

    Raises:
        ValueError: the period is none.
    """
    return Wish(
        username=payload.username,
        period=periods.parse(payload.period, now),
        show_star_increase=payload.show_star_increase,
    )


def _event(job: Job[MakeReport], report: Report) -> DomainEvent:
    """Return `report.ready`, for whoever asked; its id is that of the job, however often told."""
    return DomainEvent(
        id=derived_id(from_ms(to_ms(id_time(job.id))), "report.ready", job.id),
        type="report.ready",
        subject=report.user.login,
        user_id=job.payload.asked_by,
        data={"username": report.user.login, "period": report.period.label, "job_id": job.id},
    )


def report_kind(making: ReportMaking, settings: ReportSettings) -> JobKind[MakeReport]:
    """Return the kind `report.generate`.

    One open job for each report that is wished for, and of the reported user's so many at a time,
    whoever asks. The jobs are nobody's own: everybody who wishes for the report waits for the same.
    They go through `low`, whose functions have the time and a process for each job.
    """
    return JobKind(
        name=KIND,
        payload=MakeReport,
        handler=making,
        queue=QueueName.LOW,
        max_retries=MAX_RETRIES,
        retry=RETRY,
        timeout_s=settings.task_timeout_seconds,
        subject=lambda payload: payload.username.lower(),
        lane=lambda payload: payload.variant,
        concurrency=settings.max_reported_user_concurrent_tasks,
        unique=Unique(key=lambda payload: f"{payload.username.lower()}:{payload.variant}"),
        on_end=making.ended,
        quiet=True,
    )
