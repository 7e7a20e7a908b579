"""The declaration of `email.send`; what it does stands in `jobs`, imported when it is done."""

from collections.abc import Callable

from nightshift.email.model import SEND_KIND, SendMail
from nightshift.jobs.kinds import Completed, Failed, Job, JobKind
from nightshift.jobs.model import Gate, QueueName
from nightshift.jobs.retry import RetryPolicy

TIMEOUT_S = 60.0
MAX_RETRIES = 8
RETRY = RetryPolicy(delay_s=15, max_delay_s=1_800)
"""Eight retries take about an hour; what a deliverer asks for with a longer wait is honoured."""


def send_kind(
    handler: Callable[[Job[SendMail]], Completed | Failed], *, rate: int
) -> JobKind[SendMail]:
    """Return the kind `email.send`, of which `rate` a second are begun."""
    return JobKind(
        name=SEND_KIND,
        payload=SendMail,
        handler=handler,
        queue=QueueName.DEFAULT,
        max_retries=MAX_RETRIES,
        retry=RETRY,
        timeout_s=TIMEOUT_S,
        flow=lambda _: Gate(key="all", rate=rate, period_s=1.0),
        quiet=True,
    )
