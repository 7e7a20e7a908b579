"""Subject and preheader of each mail, as templates of their own: the two lines that an inbox shows.

`data` is the mail's data, `f` the reader's formats.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nightshift.email.model import Template


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Both lines; plain text, one line each once rendered."""

    subject: str
    preheader: str


HEADS: Mapping[Template, Head] = {
    Template.WELCOME: Head(
        subject="Welcome to {{ product }}",
        preheader="Your account is ready. Here is what to do first.",
    ),
    Template.VERIFICATION: Head(
        subject="Confirm your email address",
        preheader="One click, and {{ product }} knows that this address is yours.",
    ),
    Template.RESET: Head(
        subject="Choose a new password",
        preheader="Somebody, most likely you, asked for a new password.",
    ),
    Template.PASSWORD_CHANGED: Head(
        subject="Your password was changed",
        preheader="If this was not you, act now.",
    ),
    Template.NEW_SIGN_IN: Head(
        subject="New sign-in to your account",
        preheader="{{ data.user_agent | device or 'A new device' }}, "
        "{{ f.time(data.signed_in_at) }}",
    ),
    Template.WEEKLY_SUMMARY: Head(
        subject="Your week: "
        "{{ data.activities | plural('activity', 'activities') if data.activities else 'a rest' }}"
        "{% if data.distance_m %}, {{ data.distance_m | distance }}{% endif %}",
        preheader="{{ f.days(data.week_start, data.week_end) }}"
        "{% if data.current_streak_days > 1 %}, "
        "{{ data.current_streak_days | plural('day') }} in a row{% endif %}",
    ),
    Template.MONTHLY_REPORT: Head(
        subject="Your report for {{ f.month(data.month) }}",
        preheader="{{ data.activities | plural('activity', 'activities') }} on "
        "{{ data.active_days | plural('day') }}"
        "{% if data.distance_m %}, {{ data.distance_m | distance }}{% endif %}",
    ),
    Template.EXPORT_READY: Head(
        subject="Your {{ data.format | upper }} export is ready",
        preheader="Download it before {{ f.time(data.expires_at) }}.",
    ),
    Template.TASK_FAILED: Head(
        subject="Task failed: {{ data.task_name }}",
        preheader="Given up after {{ data.attempts | plural('attempt') }}"
        "{% if data.response_status %}, last answer {{ data.response_status }}{% endif %}.",
    ),
    Template.TASK_PAUSED: Head(
        subject="Task paused: {{ data.task_name }}",
        preheader="It failed {{ data.failures | plural('time') }} in a row and will not run "
        "until you resume it.",
    ),
}
