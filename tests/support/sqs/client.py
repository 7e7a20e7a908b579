"""An SQS client in memory, called as botocore's low-level client is, on an injected clock."""

import itertools
import json
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nightshift.core.clock import Clock
from tests.support.faults import FaultHook, run_with_faults
from tests.support.parameters import Argument, check_parameters
from tests.support.sqs import mapping, requests
from tests.support.sqs.errors import RefusedError, bad_value, unknown_queue
from tests.support.sqs.metering import SqsCall, SqsMeter, billed_requests
from tests.support.sqs.queue import Copy, Message, Queue, Settings, system_attributes

Answer = dict[str, Any]
Request = Mapping[str, Any]
MAX_RECEIVE = 10
MAX_BATCH_WINDOW = 10_000


class FakeSQS:
    """Standard queues in memory behind the low-level client's methods.

    Time moves with `clock` alone: long polling answers at once. `strict` checks each request's
    shape as the SDK does. `faults` is asked before every call; `entry_faults` is asked for each
    entry of a SendMessageBatch with the queue's name and the body, and answers the code with which
    that entry alone fails, or None. `duplicate_rate` is the chance, drawn from `seed`, that a sent
    message is stored twice. Queues are named by URL in requests; the test's own methods also take
    a name or an ARN.

    Attributes:
        meter: what the calls would bill, Lambda's polling by `deliver` and `settle` included.
        faults: the hook that breaks calls, or None.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        faults: FaultHook | None = None,
        entry_faults: Callable[[str, str], str | None] | None = None,
        strict: bool = True,
        seed: int = 0,
        duplicate_rate: float = 0.0,
        keep_calls: bool = True,
    ) -> None:
        self.meter = SqsMeter(keep_calls=keep_calls)
        self.faults = faults
        self.entry_faults = entry_faults
        self.strict = strict
        self.duplicate_rate = duplicate_rate
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a test repeats what it draws
        self._lock = threading.RLock()
        self._ordinals = itertools.count(1)
        self._queues: dict[str, Queue] = {}

    # The client's operations.

    def send_message(self, **request: Argument) -> Answer:
        """Answer as SendMessage."""
        return self._call("SendMessage", request, self._send_message)

    def send_message_batch(self, **request: Argument) -> Answer:
        """Answer as SendMessageBatch."""
        return self._call("SendMessageBatch", request, self._send_message_batch)

    def receive_message(self, **request: Argument) -> Answer:
        """Answer as ReceiveMessage, at once whatever the wait."""
        return self._call("ReceiveMessage", request, self._receive_message)

    def delete_message(self, **request: Argument) -> Answer:
        """Answer as DeleteMessage."""
        return self._call("DeleteMessage", request, self._delete_message)

    def delete_message_batch(self, **request: Argument) -> Answer:
        """Answer as DeleteMessageBatch."""
        return self._call("DeleteMessageBatch", request, self._delete_message_batch)

    def change_message_visibility(self, **request: Argument) -> Answer:
        """Answer as ChangeMessageVisibility."""
        return self._call("ChangeMessageVisibility", request, self._change_message_visibility)

    def get_queue_attributes(self, **request: Argument) -> Answer:
        """Answer as GetQueueAttributes."""
        return self._call("GetQueueAttributes", request, self._get_queue_attributes)

    def get_queue_url(self, **request: Argument) -> Answer:
        """Answer as GetQueueUrl."""
        return self._call("GetQueueUrl", request, self._get_queue_url)

    def create_queue(self, **request: Argument) -> Answer:
        """Answer as CreateQueue."""
        return self._call("CreateQueue", request, self._create_queue)

    # What only a test may do; none of it is broken by faults.

    def add_queue(
        self,
        name: str,
        *,
        visibility_s: int = 30,
        max_receive_count: int | None = None,
        dead_letters: str | None = None,
    ) -> str:
        """Make a queue and return its URL; `dead_letters` names a queue that exists."""
        with self._lock:
            settings = Settings(visibility_s=visibility_s, max_receive_count=max_receive_count)
            target = self._queue(dead_letters) if dead_letters else None
            queue = self._queues[name] = Queue(name, settings, target)
            return queue.url

    def deliver(
        self, queue: str, batch_size: int = 10, now: datetime | None = None
    ) -> mapping.Event | None:
        """Receive as Lambda does; return the event for the function, None when nothing is visible.

        `batch_size` is 1..10000, and an event holds 6 MB; `now` is the clock's time if not given.
        """
        with self._lock:
            target = self._queue(queue)
            moment = now or self._clock.now()
            copies = target.take(
                min(batch_size, MAX_BATCH_WINDOW),
                mapping.MAX_EVENT_BYTES,
                moment,
                target.settings.visibility_s,
            )
            calls = max(1, -(-len(copies) // MAX_RECEIVE))
            self._record_polls("ReceiveMessage", target, calls, copies)
            return mapping.to_event(target, copies) if copies else None

    def settle(self, event: Mapping[str, Any], response: object = None) -> list[str]:
        """Delete what the function's answer calls done; return the message ids that stay.

        `response` is what the handler returned, or the exception that it raised. What stays is
        visible again when its visibility timeout ends, as Lambda leaves it.
        """
        with self._lock:
            done = mapping.done_handles(event, response)
            for record in event["Records"]:
                if record["receiptHandle"] in done:
                    self._queue(record["eventSourceARN"]).delete(record["receiptHandle"])
            if done:
                target = self._queue(event["Records"][0]["eventSourceARN"])
                self._record_polls("DeleteMessageBatch", target, -(-len(done) // MAX_RECEIVE), [])
            return [r["messageId"] for r in event["Records"] if r["receiptHandle"] not in done]

    def duplicate(self, queue: str, message_id: str) -> None:
        """Store another copy of a message, visible now, even if the message was deleted."""
        with self._lock:
            target = self._queue(queue)
            target.add(target.known[message_id], self._clock.now())

    def next_visible_at(self, *queues: str) -> datetime | None:
        """Return when the next message is or becomes visible; None when there is none.

        Without `queues` it looks at every queue that is not another's dead-letter queue.
        """
        with self._lock:
            moments = [queue.next_visible_at() for queue in self._watched(queues)]
            return min((moment for moment in moments if moment), default=None)

    def bodies(self, queue: str) -> list[str]:
        """Return the bodies of all copies in a queue, visible or not, oldest first."""
        with self._lock:
            return [copy.message.body for copy in self._queue(queue).copies.values()]

    def messages(self, queue: str) -> list[tuple[Message, datetime, int]]:
        """Return each copy's message, the moment it is visible from, and how often received."""
        with self._lock:
            copies = self._queue(queue).copies.values()
            return [(copy.message, copy.visible_at, copy.received) for copy in copies]

    # How a call goes.

    def _call(
        self,
        operation: str,
        request: Request,
        work: Callable[[Request], tuple[Answer, list[Message]]],
    ) -> Answer:
        if self.strict:
            check_parameters("sqs", operation, request)
        ordinal = next(self._ordinals)
        return run_with_faults(
            self.faults, operation, request, lambda: self._once(ordinal, operation, request, work)
        )

    def _once(
        self,
        ordinal: int,
        operation: str,
        request: Request,
        work: Callable[[Request], tuple[Answer, list[Message]]],
    ) -> Answer:
        queue = str(request.get("QueueUrl") or request.get("QueueName", "")).rpartition("/")[2]
        with self._lock:
            try:
                answer, moved = work(request)
            except RefusedError as error:
                self.meter.record(SqsCall(ordinal, operation, queue, 1, 0, 0, error.code))
                raise error.as_client_error(operation) from error
            size = sum(message.size for message in moved)
            self.meter.record(
                SqsCall(ordinal, operation, queue, billed_requests(size), len(moved), size, "")
            )
        answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return answer

    def _record_polls(self, operation: str, queue: Queue, calls: int, copies: list[Copy]) -> None:
        size = sum(copy.message.size for copy in copies)
        requests_billed = max(calls, billed_requests(size))
        self.meter.record(
            SqsCall(
                next(self._ordinals),
                operation,
                queue.name,
                requests_billed,
                len(copies),
                size,
                "",
            )
        )

    def _queue(self, name: str) -> Queue:
        """Return a queue by URL, ARN or name."""
        queue = self._queues.get(name.rpartition("/")[2].rpartition(":")[2])
        if queue is None:
            raise unknown_queue()
        return queue

    def _watched(self, names: tuple[str, ...]) -> list[Queue]:
        if names:
            return [self._queue(name) for name in names]
        graves = {id(queue.dead_letters) for queue in self._queues.values()}
        return [queue for queue in self._queues.values() if id(queue) not in graves]

    def _store(self, queue: Queue, part: Request) -> Message:
        message = requests.read_message(part, self._new_id(), self._clock.now())
        visible_at = requests.visible_at(part, queue, message.sent_at)
        queue.add(message, visible_at)
        if self.duplicate_rate and self._random.random() < self.duplicate_rate:
            queue.add(message, visible_at)
        return message

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _send_message(self, request: Request) -> tuple[Answer, list[Message]]:
        message = self._store(self._queue(request["QueueUrl"]), request)
        return requests.sent(message), [message]

    def _send_message_batch(self, request: Request) -> tuple[Answer, list[Message]]:
        queue = self._queue(request["QueueUrl"])
        entries = requests.checked_entries(request["Entries"])
        requests.check_batch_size(entries)
        answer: Answer = {}
        moved = []
        for entry in entries:
            try:
                self._break_entry(queue, entry)
                message = self._store(queue, entry)
            except RefusedError as error:
                answer.setdefault("Failed", []).append(requests.failed(entry, error))
            else:
                moved.append(message)
                sent = {"Id": entry["Id"], **requests.sent(message)}
                answer.setdefault("Successful", []).append(sent)
        return answer, moved

    def _break_entry(self, queue: Queue, entry: Request) -> None:
        code = self.entry_faults(queue.name, entry["MessageBody"]) if self.entry_faults else None
        if code:
            raise RefusedError(code, "the entry was made to fail")

    def _receive_message(self, request: Request) -> tuple[Answer, list[Message]]:
        queue = self._queue(request["QueueUrl"])
        most = request.get("MaxNumberOfMessages", 1)
        if not 1 <= most <= MAX_RECEIVE:
            raise bad_value(most, "MaxNumberOfMessages", "Must be between 1 and 10, if provided")
        visibility = request.get("VisibilityTimeout", queue.settings.visibility_s)
        copies = queue.take(most, requests.MAX_BYTES, self._clock.now(), visibility)
        if not copies:
            return {}, []
        messages = [_received(copy, request) for copy in copies]
        return {"Messages": messages}, [copy.message for copy in copies]

    def _delete_message(self, request: Request) -> tuple[Answer, list[Message]]:
        self._queue(request["QueueUrl"]).delete(request["ReceiptHandle"])
        return {}, []

    def _delete_message_batch(self, request: Request) -> tuple[Answer, list[Message]]:
        queue = self._queue(request["QueueUrl"])
        answer: Answer = {}
        for entry in requests.checked_entries(request["Entries"]):
            try:
                queue.delete(entry["ReceiptHandle"])
            except RefusedError as error:
                answer.setdefault("Failed", []).append(requests.failed(entry, error))
            else:
                answer.setdefault("Successful", []).append({"Id": entry["Id"]})
        return answer, []

    def _change_message_visibility(self, request: Request) -> tuple[Answer, list[Message]]:
        self._queue(request["QueueUrl"]).change_visibility(
            request["ReceiptHandle"], request["VisibilityTimeout"], self._clock.now()
        )
        return {}, []

    def _get_queue_attributes(self, request: Request) -> tuple[Answer, list[Message]]:
        everything = requests.attributes(self._queue(request["QueueUrl"]), self._clock.now())
        wanted = request.get("AttributeNames", [])
        chosen = {k: v for k, v in everything.items() if "All" in wanted or k in wanted}
        return {"Attributes": chosen} if chosen else {}, []

    def _get_queue_url(self, request: Request) -> tuple[Answer, list[Message]]:
        return {"QueueUrl": self._queue(request["QueueName"]).url}, []

    def _create_queue(self, request: Request) -> tuple[Answer, list[Message]]:
        asked = request.get("Attributes", {})
        redrive = json.loads(asked.get("RedrivePolicy", "{}"))
        url = self.add_queue(
            request["QueueName"],
            visibility_s=int(asked.get("VisibilityTimeout", 30)),
            max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
            dead_letters=redrive.get("deadLetterTargetArn"),
        )
        settings = self._queue(url).settings
        settings.delay_s = int(asked.get("DelaySeconds", 0))
        settings.retention_s = int(asked.get("MessageRetentionPeriod", settings.retention_s))
        return {"QueueUrl": url}, []


def _received(copy: Copy, request: Request) -> dict[str, Any]:
    wanted = [
        *request.get("AttributeNames", []),
        *request.get("MessageSystemAttributeNames", []),
    ]
    system = system_attributes(copy)
    chosen = {k: v for k, v in system.items() if "All" in wanted or k in wanted}
    named = request.get("MessageAttributeNames", [])
    own = {k: v for k, v in copy.message.attributes.items() if "All" in named or k in named}
    message = {
        "MessageId": copy.message.id,
        "ReceiptHandle": copy.handle,
        "MD5OfBody": mapping.md5(copy.message.body),
        "Body": copy.message.body,
    }
    return (
        message
        | ({"Attributes": chosen} if chosen else {})
        | ({"MessageAttributes": own} if own else {})
    )
