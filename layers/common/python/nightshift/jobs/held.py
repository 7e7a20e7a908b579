"""Messages of paused queues, kept until their queue goes on.

A message and the sweeper may both bring the same attempt here: it is kept once. Nothing here
expires, for the claim of what is kept has been given up.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from nightshift.aws.dynamo import Table
from nightshift.jobs import keys
from nightshift.jobs.agenda import SHARDS, shard_of
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.model import Message, QueueName


class Held:
    """The kept messages, in the jobs table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, message: Message) -> None:
        """Keep a message; the same attempt twice is once."""
        self._table.put(_key(message) | {"body": encode(message)})

    def of(self, queue: QueueName, *, limit: int) -> list[Message]:
        """Return up to `limit` of a queue's kept messages."""
        return list(islice(self._all(queue), limit))

    def _all(self, queue: QueueName) -> Iterator[Message]:
        for shard in range(SHARDS):
            for item in self._table.query(keys.held(queue, shard), consistent=True):
                yield decode(item["body"])

    def forget(self, messages: Sequence[Message]) -> None:
        """Forget messages that were sent."""
        for message in messages:
            self._table.delete(_key(message))


def _key(message: Message) -> dict[str, object]:
    ref = message.ref
    pk = keys.held(ref.queue, shard_of(ref.job_id))
    return {"pk": pk, "sk": keys.single_hint(ref.job_id, message.attempt)}
