"""Judging what a user says of a task, before anything is stored."""

from datetime import datetime

from nightshift.core.errors import FieldError
from nightshift.outbound.headers import check_headers
from nightshift.outbound.urls import check_url
from nightshift.tasks.errors import ScheduleInPastError
from nightshift.tasks.model import Definition
from nightshift.tasks.schedule import (
    InvalidScheduleError,
    InvalidTimezoneError,
    Schedule,
    parse,
)


def check_definition(said: Definition, now: datetime, *, allow_loopback: bool) -> None:
    """Judge a definition; the addresses behind its URLs are judged again at every call.

    Raises:
        InvalidScheduleError, InvalidTimezoneError, ScheduleInPastError, InvalidWebhookUrlError,
        InvalidHeadersError: what is wrong, in which field, and what would be right.
    """
    check_url(said.url, allow_loopback=allow_loopback)
    if said.on_failure_url is not None:
        check_url(said.on_failure_url, allow_loopback=allow_loopback, field="on_failure_url")
    check_headers(said.headers)
    if said.schedule is None:
        read_schedule("@daily", said.timezone, now, field="task_schedule")
        return
    schedule = read_schedule(said.schedule, said.timezone, now, field="task_schedule")
    if schedule.next_after(now) is None:
        text = f"{said.schedule} has no slot after now; choose a later time."
        raise ScheduleInPastError(text, errors=[FieldError(field="task_schedule", message=text)])


def read_schedule(text: str, timezone: str, anchor: datetime, *, field: str) -> Schedule:
    """Parse a schedule; what is wrong with it names the field that it came from.

    Raises:
        InvalidScheduleError, InvalidTimezoneError: it cannot be read.
    """
    try:
        return parse(text, timezone=timezone, anchor=anchor)
    except InvalidScheduleError as error:
        found = [FieldError(field=field, message=error.message)]
        raise InvalidScheduleError(error.message, errors=found) from error
    except InvalidTimezoneError as error:
        found = [FieldError(field="timezone", message=error.message)]
        raise InvalidTimezoneError(error.message, errors=found) from error
