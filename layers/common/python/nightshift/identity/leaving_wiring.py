"""Builds what removes what deleted users leave behind: a kind of job, and who asks for it."""

import os
from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.access import UserId
from nightshift.core.environment import load
from nightshift.identity.jobs import JobLeaver, leave_kind
from nightshift.identity.settings import LeavingSettings
from nightshift.jobs.wiring import Machine, get_machine

if TYPE_CHECKING:
    from nightshift.identity.leaving import Purge, Step


class LeavingContext:
    """Leaving on an engine, with its kind put into it.

    `purge` is asked for when the first job runs: a function that only knows of the kind, or only
    asks for the job, has neither the table nor the bucket.
    """

    def __init__(self, machine: Machine, purge: "Callable[[], Purge]") -> None:
        self._machine = machine
        self._purge = purge
        self._others: list[Step] = []
        self._kind = leave_kind(self._remove)
        machine.add(self._kind)

    @cached_property
    def leaver(self) -> JobLeaver:
        """Who deletes accounts together with the job."""
        return JobLeaver(self._machine.jobs, self._kind)

    def also(self, step: "Step") -> None:
        """Have another context remove what it keeps, too, in the same job."""
        self._others.append(step)

    def _remove(self, user_id: UserId) -> None:
        self._purge()(user_id, others=self._others)


@cache
def get_context() -> LeavingContext:
    """Return the process's context over AWS.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    return LeavingContext(get_machine(), _purge)


@cache
def _purge() -> "Purge":
    from nightshift.adapters.uploads import S3Uploads  # noqa: PLC0415 - for who does the job only
    from nightshift.identity.avatars import forget_pictures  # noqa: PLC0415 - the same
    from nightshift.identity.leaving import Purge  # noqa: PLC0415 - the same
    from nightshift.identity.leaving_store import LeavingStore  # noqa: PLC0415 - the same

    said = load(LeavingSettings, os.environ)
    pictures = S3Uploads(clients.s3, said.assets_bucket)
    table = Table(clients.dynamodb(), said.identity_table)
    return Purge(
        store=LeavingStore(table), steps=[lambda user_id: forget_pictures(pictures, user_id)]
    )
