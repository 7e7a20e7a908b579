"""Reports as they are looked at: at once from the cache, and made anew for whoever may ask."""

from dataclasses import replace

from nightshift.aws.dynamo import ConditionFailedError
from nightshift.cache.model import Level, Lookup, State
from nightshift.cache.service import Cache
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import ConflictError, FieldError
from nightshift.jobs.errors import JobNotFoundError, QueueFullError
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.model import NOBODY, JobStatus
from nightshift.jobs.service import JobService
from nightshift.observability import Log
from nightshift.reports import keys, periods
from nightshift.reports.errors import InvalidPeriodError
from nightshift.reports.model import (
    CLAIM_MARGIN_S,
    Failure,
    MakeReport,
    Progress,
    ReportState,
    Standing,
    Visitor,
    Wish,
)
from nightshift.reports.settings import ReportSettings

OPEN = frozenset({JobStatus.PENDING, JobStatus.PROCESSING})
_STATES = {
    State.FRESH: ReportState.FRESH,
    State.STALE: ReportState.STALE,
    State.MISSING: ReportState.MISSING,
}


class ReportService:
    """The front door of reports."""

    def __init__(
        self,
        *,
        cache: Cache,
        jobs: JobService,
        kind: JobKind[MakeReport],
        clock: Clock,
        log: Log,
        settings: ReportSettings,
    ) -> None:
        self._cache = cache
        self._jobs = jobs
        self._kind = kind
        self._clock = clock
        self._log = log
        self._settings = settings

    def wish(self, username: str, period: str, *, show_star_increase: bool = False) -> Wish:
        """Return what is wished for. Whether the name follows GitHub's rule is not checked.

        Raises:
            InvalidPeriodError: there is no such period, or it has not begun.
        """
        try:
            found = periods.parse(period, self._clock.now())
        except ValueError as error:
            fault = FieldError(field="period", message=str(error))
            raise InvalidPeriodError(str(error), errors=[fault]) from error
        return Wish(username=username, period=found, show_star_increase=show_star_increase)

    def look(
        self, wish: Wish, visitor: Visitor, *, force: bool = False, exact: bool = False
    ) -> Standing:
        """Return the report as it stands; whoever may have it made anew thereby does.

        That is where it is stale or missing, or always with `force`; for a while after a failure
        with `force` only. With `exact` the table is looked at, not the copy of this process.

        Raises:
            QueueFullError, ConflictError: with `force`, the job could not be put in.
        """
        found = self._find(wish, visitor, exact=exact or force)
        standing = self._standing(wish, found)
        if not visitor.may_refresh or not (force or self._is_due(standing)):
            return standing
        return self._schedule(wish, visitor, found, standing, force=force)

    def _find(self, wish: Wish, visitor: Visitor, *, exact: bool) -> Lookup:
        """Return what the cache has; what a visit may change or waits for is looked at exactly."""
        key = keys.report(wish.user_key, wish.variant)
        if exact:
            return self._cache.get_exact(key)
        found = self._cache.get(key)
        moving = found.work is not None and found.work.is_under_way(self._clock.now())
        due = visitor.may_refresh and found.state is not State.FRESH
        if found.level is Level.L1 and (moving or due):
            return self._cache.get_exact(key)
        return found

    def _is_due(self, standing: Standing) -> bool:
        """Tell whether an ordinary visit is reason enough to make the report anew."""
        if standing.state not in {ReportState.STALE, ReportState.MISSING}:
            return False
        if standing.failure is None:
            return True
        pause_ms = self._settings.report_failure_pause_s * 1000
        return to_ms(self._clock.now()) >= standing.failure.at_ms + pause_ms

    def _schedule(
        self, wish: Wish, visitor: Visitor, found: Lookup, standing: Standing, *, force: bool
    ) -> Standing:
        """Have the report made, and return how it stands then."""
        try:
            job_id = self._enqueue(wish, visitor, found)
        except ConditionFailedError:
            # Work on it has begun or ended since the look: it stands otherwise by now.
            return self.look(wish, visitor, force=force, exact=True)
        except (ConflictError, QueueFullError) as error:
            if force:
                raise
            self._log.warning("report.not_scheduled", username=wish.user_key, error=error.slug)
            return self._standing(wish, self._find(wish, visitor, exact=True))
        if found.work is None or found.work.token != job_id or found.work.ended:
            name = keys.report(wish.user_key, wish.variant).name
            for_s = self._settings.task_timeout_seconds + CLAIM_MARGIN_S
            self._cache.begin(name, job_id, for_s=for_s, note="waiting for its turn")
        return _regenerating(standing, job_id)

    def _enqueue(self, wish: Wish, visitor: Visitor, found: Lookup) -> str:
        """Enqueue the job, if work on the report is as it was found, and return its id.

        Raises:
            ConditionFailedError: it is not.
        """
        payload = MakeReport(
            username=wish.username,
            period=wish.period.label,
            show_star_increase=wish.show_star_increase,
            variant=wish.variant,
            asked_by=visitor.user_id or NOBODY,
        )
        name = keys.report(wish.user_key, wish.variant).name
        unchanged = self._cache.unchanged(name, found.work)
        done = self._jobs.enqueue(self._kind, payload, owner_id=NOBODY, writes=[unchanged])
        if done.created:
            self._log.info(
                "report.scheduled",
                job_id=done.job_id,
                username=wish.user_key,
                period=wish.period.label,
            )
        return done.job_id

    def _standing(self, wish: Wish, found: Lookup) -> Standing:
        now = self._clock.now()
        entry, work = found.entry, found.work
        standing = Standing(
            wish=wish,
            state=_STATES[found.state],
            is_stale=found.state is State.STALE,
            report=entry.body if entry else None,
            age_s=entry.age_s(now) if entry else None,
            failure=_failure(found),
        )
        if work is None or not work.is_under_way(now):
            return standing
        progress = self._progress(work.token, work.note)
        return standing if progress is None else _regenerating(standing, work.token, progress)

    def _progress(self, job_id: str, note: str) -> Progress | None:
        """Return how far the job is, by its own word; None if it has ended or never was."""
        try:
            view = self._jobs.view(NOBODY, job_id)
        except JobNotFoundError:
            return None
        if view.status not in OPEN:
            return None
        told = view.progress
        if told is None or view.status is JobStatus.PENDING:
            return Progress(note=note)
        return Progress(note=told.note, done=told.done, total=told.total)


def _regenerating(standing: Standing, job_id: str, progress: Progress | None = None) -> Standing:
    return replace(standing, state=ReportState.REGENERATING, job_id=job_id, progress=progress)


def _failure(found: Lookup) -> Failure | None:
    """Return how the last making failed, unless there is a report that was made since."""
    failed = found.work.failure if found.work else None
    if failed is None or (found.entry is not None and found.entry.made_ms >= failed.at_ms):
        return None
    return Failure(error=failed.error, message=failed.message, at_ms=failed.at_ms)
