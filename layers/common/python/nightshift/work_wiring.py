"""Builds the engine with the kinds of all contexts, for the functions that work on any of them."""

import os
from collections.abc import Mapping
from functools import cache

from nightshift.adapters.queue import SqsSource
from nightshift.aws import clients
from nightshift.core.environment import load
from nightshift.email.wiring import get_context as get_email
from nightshift.identity.leaving_wiring import get_context as get_leaving
from nightshift.jobs.model import QueueName
from nightshift.jobs.settings import DeadQueueSettings
from nightshift.jobs.wiring import Machine
from nightshift.jobs.wiring import get_machine as get_bare_machine
from nightshift.memos.wiring import get_context as get_memos
from nightshift.ports.queue import Source
from nightshift.reports.wiring import get_context as get_reports
from nightshift.tasks.wiring import get_context as get_tasks

CONTEXTS = (get_tasks, get_memos, get_reports, get_email, get_leaving)
"""What puts kinds into the machine: a context that has any adds itself here."""


@cache
def get_machine() -> Machine:
    """Return the process's engine with the kinds of all contexts.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    machine = get_bare_machine()
    for get_context in CONTEXTS:
        get_context()
    leaving = get_leaving()
    leaving.also(lambda user_id: get_tasks().forget(user_id))
    leaving.also(lambda user_id: get_memos().forget(user_id))
    return machine


@cache
def get_dead_queues() -> Mapping[str, Source]:
    """Return the dead-letter queues by the name of the queue that they belong to.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    said = load(DeadQueueSettings, os.environ)
    urls = {
        QueueName.CRITICAL: said.critical_dead_queue_url,
        QueueName.DEFAULT: said.default_dead_queue_url,
        QueueName.LOW: said.low_dead_queue_url,
    }
    return {name: SqsSource(clients.sqs, url) for name, url in urls.items()}
