"""The queue port on SQS."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from nightshift.core.errors import UnavailableError
from nightshift.ports.queue import Depth, Outgoing, Received

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_SIZE = 10
SEND_ROUNDS = 3
SEND_THREADS = 8
_DEPTHS = {
    "ApproximateNumberOfMessages": "visible",
    "ApproximateNumberOfMessagesDelayed": "delayed",
    "ApproximateNumberOfMessagesNotVisible": "in_flight",
}


class SqsQueue:
    """Sends in batches of ten, several at once; what SQS refuses is sent again, a few times."""

    def __init__(self, client: Callable[[], "SQSClient"], url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all messages; see `ports.queue.Queue`."""
        batches = [messages[i : i + BATCH_SIZE] for i in range(0, len(messages), BATCH_SIZE)]
        if len(batches) == 1:
            self._send_batch(batches[0])
        elif batches:
            with ThreadPoolExecutor(min(SEND_THREADS, len(batches))) as pool:
                list(pool.map(self._send_batch, batches))

    def _send_batch(self, batch: Sequence[Outgoing]) -> None:
        entries: list[Any] = [
            {"Id": str(i), "MessageBody": m.body, "DelaySeconds": m.delay_s}
            for i, m in enumerate(batch)
        ]
        for _ in range(SEND_ROUNDS):
            answer = self._client().send_message_batch(QueueUrl=self._url, Entries=entries)
            refused = {f["Id"] for f in answer.get("Failed", [])}
            entries = [e for e in entries if e["Id"] in refused]
            if not entries:
                return
        raise UnavailableError("the queue did not take all messages")

    def depth(self) -> Depth:
        """Return how full the queue is; see `ports.queue.Queue`."""
        return _depth(self._client(), self._url)


class SqsSource:
    """Takes messages by hand: one short poll a call."""

    def __init__(self, client: Callable[[], "SQSClient"], url: str) -> None:
        self._client = client
        self._url = url

    def receive(self, limit: int) -> list[Received]:
        """Take up to `limit` messages; see `ports.queue.Source`."""
        answer = self._client().receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=min(limit, BATCH_SIZE), WaitTimeSeconds=0
        )
        return [
            Received(message_id=m["MessageId"], body=m["Body"], receipt=m["ReceiptHandle"])
            for m in answer.get("Messages", [])
        ]

    def delete(self, messages: Sequence[Received]) -> None:
        """Delete messages; see `ports.queue.Source`."""
        for start in range(0, len(messages), BATCH_SIZE):
            portion = messages[start : start + BATCH_SIZE]
            entries: list[Any] = [
                {"Id": str(i), "ReceiptHandle": m.receipt} for i, m in enumerate(portion)
            ]
            self._client().delete_message_batch(QueueUrl=self._url, Entries=entries)

    def depth(self) -> Depth:
        """Return how full the queue is; see `ports.queue.Source`."""
        return _depth(self._client(), self._url)


def _depth(client: "SQSClient", url: str) -> Depth:
    names: list[Any] = list(_DEPTHS)
    found: Any = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return Depth(**{field: int(found[name]) for name, field in _DEPTHS.items()})
