"""What the dummy webhook is made of in a running function."""

import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from random import SystemRandom

from nightshift.aws.clients import dynamodb
from nightshift.aws.dynamo import Table
from nightshift.core.clock import SystemClock
from nightshift.core.environment import load, setting
from nightshift.dummy.ledger import TableLedger
from nightshift.dummy.webhook import DummyWebhook


@dataclass(frozen=True, kw_only=True, slots=True)
class DummySettings:
    """The environment of the dummy webhook's function."""

    http_table: str = setting(doc="Name of the HTTP functions' table.", wiring=True)


@cache
def dummy_webhook() -> DummyWebhook:
    """Return the process's dummy webhook.

    Raises:
        SettingsError: the environment lacks the table's name.
    """
    settings = load(DummySettings, os.environ)
    return DummyWebhook(
        ledger=TableLedger(Table(dynamodb(), settings.http_table)),
        clock=SystemClock(),
        random=SystemRandom(),
        sleep=time.sleep,
        log=lambda line: print(line, file=sys.stdout, flush=True),  # noqa: T201 - Lambda's log
    )
