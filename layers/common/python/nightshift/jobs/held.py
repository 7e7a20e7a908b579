"""Messages of paused queues, kept until their queue goes on.

A message and the sweeper may both bring the same attempt here: it is kept once. Nothing here
expires, for the claim of what is kept has been given up.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from nightshift.aws.dynamo import Table
from nightshift.jobs import keys
from nightshift.jobs.agenda import SHARDS, shard_of
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.model import Message, QueueName

THREADS = 8


class Held:
    """The kept messages, in the jobs table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, messages: Sequence[Message]) -> None:
        """Keep messages; the same attempt twice is once."""
        self._each(messages, lambda m: self._table.put(_key(m) | {"body": encode(m)}))

    def of(self, queue: QueueName, *, limit: int) -> list[Message]:
        """Return up to `limit` of a queue's kept messages."""
        return list(islice(self._all(queue), limit))

    def _all(self, queue: QueueName) -> Iterator[Message]:
        for shard in range(SHARDS):
            for item in self._table.query(keys.held(queue, shard), consistent=True):
                yield decode(item["body"])

    def forget(self, messages: Sequence[Message]) -> None:
        """Forget messages that were sent."""
        self._each(messages, lambda m: self._table.delete(_key(m)))

    def _each(self, messages: Sequence[Message], write: Callable[[Message], None]) -> None:
        """Write side by side: after an outage there may be very many."""
        if len(messages) == 1:
            write(messages[0])
            return
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(write, messages):
                pass


def _key(message: Message) -> dict[str, object]:
    ref = message.ref
    pk = keys.held(ref.queue, shard_of(ref.job_id))
    return {"pk": pk, "sk": keys.single_hint(ref.job_id, message.attempt)}
