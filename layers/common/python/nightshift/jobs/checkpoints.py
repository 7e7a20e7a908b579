"""How far a job has come that works in portions: kept between its attempts.

A handler saves what it is about to do before it does it, so that the next attempt, after a crash or
a snooze, does the same portion again and no other.
"""

import json
from typing import Any

from nightshift.aws.dynamo import Condition, ConditionFailedError, Table
from nightshift.jobs import keys
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import Job
from nightshift.jobs.store import JobStore

MAX_CHARS = 100_000
"""The largest state: an item holds 400 KB, and each save costs a write unit a kilobyte."""


class Checkpoints:
    """The states of jobs, in the jobs table."""

    def __init__(self, table: Table, store: JobStore) -> None:
        self._table = table
        self._store = store

    def find(self, job: Job[Any]) -> Any:  # noqa: ANN401 - the handler knows its state's type
        """Return what this job saved last, in any attempt, as plain JSON values; None if nothing.

        Read consistently.
        """
        item = self._table.get(_key(job), consistent=True)
        return json.loads(item["state"]) if item else None

    def save(self, job: Job[Any], state: Any) -> None:  # noqa: ANN401 - any JSON
        """Save a state in place of the one before.

        Raises:
            JobLostError: a later attempt has saved one; let it pass.
            ValueError: the state is too large.
        """
        text = json.dumps(state, separators=(",", ":"))
        if len(text) > MAX_CHARS:
            raise ValueError(f"a state may have {MAX_CHARS} characters")
        item = {"a": job.attempt, "state": text, "expires_at": self._store.expiry()}
        mine = Condition(
            expression="attribute_not_exists(pk) OR a <= :mine", values={":mine": job.attempt}
        )
        try:
            self._table.put(_key(job) | item, mine)
        except ConditionFailedError as error:
            raise JobLostError from error


def _key(job: Job[Any]) -> dict[str, object]:
    return {"pk": keys.subject(job.kind, job.subject), "sk": keys.checkpoint(job.id)}
