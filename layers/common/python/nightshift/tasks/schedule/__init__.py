"""Schedules: what a task's `task_schedule` means, and when it is due.

`parse` reads what a user wrote, `from_spec` what was stored; both answer a `Schedule`.
"""

from nightshift.tasks.schedule.errors import InvalidScheduleError, InvalidTimezoneError
from nightshift.tasks.schedule.schedule import Schedule, ScheduleKind, from_spec, parse

__all__ = [
    "InvalidScheduleError",
    "InvalidTimezoneError",
    "Schedule",
    "ScheduleKind",
    "from_spec",
    "parse",
]
