"""Expected failures of tasks."""

from nightshift.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PreconditionFailedError,
)
from nightshift.jobs.errors import JobNotEndedError, JobNotFoundError, JobNotOpenError


class TaskNotFoundError(NotFoundError):
    """There is no such task."""

    slug = "task_not_found"


class TaskKeyTakenError(ConflictError):
    """Another request created a task under this key at the same moment; send yours again."""

    slug = "task_key_conflict"


class TaskChangedError(ConflictError):
    """The task changed meanwhile; read it again and retry."""

    slug = "task_changed"


class TaskVersionError(PreconditionFailedError):
    """The version in If-Match is not the task's current one."""

    slug = "precondition_failed"


class RunNotFoundError(JobNotFoundError):
    """There is no such run."""

    slug = "run_not_found"


class RunNotOpenError(JobNotOpenError):
    """The run has already ended, so it cannot be cancelled."""

    slug = "run_already_ended"


class RunNotEndedError(JobNotEndedError):
    """The run has not ended yet, so it cannot be retried."""

    slug = "run_not_ended"


class TaskBusyError(ConflictError):
    """A run of the task is open and its overlap rule is `skip`; wait for it or cancel it."""

    slug = "task_already_running"


class NotSupportedYetError(InvalidInputError):
    """Flow control comes with a later version; leave its fields null."""

    slug = "flow_control_not_supported"


class ScheduleInPastError(InvalidInputError):
    """The schedule has no slot after now."""

    slug = "schedule_in_past"
