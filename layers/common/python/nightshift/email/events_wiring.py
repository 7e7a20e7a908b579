"""Builds what listens to SES: it needs the email table and nothing of the engine."""

import os
from functools import cache

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.clock import SystemClock
from nightshift.core.environment import load
from nightshift.email.events import MailEvents
from nightshift.email.settings import EmailTable
from nightshift.email.suppression import Suppressions
from nightshift.observability import get_log


@cache
def get_mail_events() -> MailEvents:
    """Return the process's taker of events.

    Raises:
        SettingsError: the table is not named.
    """
    table = Table(clients.dynamodb(), load(EmailTable, os.environ).email_table)
    return MailEvents(Suppressions(table, SystemClock()), get_log())
