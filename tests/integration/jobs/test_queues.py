"""Jobs through the real queues: each reaches the function of its queue, and the dead are buried."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from nightshift.core.ids import new_id
from nightshift.jobs.codec import encode
from nightshift.jobs.model import JobId, JobRef, Message, Overlap, QueueName
from tests.integration.stack.harness import Stack
from tests.integration.tasks.backstage import Backstage
from tests.integration.tasks.client import Client, Document
from tests.integration.tasks.receiver import wait_until

pytestmark = pytest.mark.stack

TEXT = """Photosynthesis is the process by which plants turn light into chemical energy.
The mitochondrion is the organelle that makes most of a cell's energy."""
WORKERS = {"critical": "listener", "default": "worker-default", "low": "worker-low"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    """A user of the module's own."""
    return Client(stack, stack.register())


def jobs_of(stack: Stack, function: str) -> set[str]:
    """Return the ids of the jobs that a function has told of."""
    lines = [line for line in stack.logs(function) if line.get("action") == "jobs.done"]
    return {item.split()[0] for line in lines for item in line["items"]}


def test_a_memo_becomes_cards_in_the_function_of_its_queue(stack: Stack, client: Client) -> None:
    """Accepted at once, made in the background by the worker of the queue `default` alone."""
    made = client.expect(202, "POST", "/memos", {"title": "Cells", "text": TEXT})
    memo_id, job_id = made["memo"]["id"], made["job_id"]

    def memo() -> Document:
        found: Document = client.expect(200, "GET", f"/memos/{memo_id}")
        return found

    assert "pending" == made["memo"]["status"]
    wait_until(lambda: memo()["status"] == "completed", "the memo's cards", 30)
    cards = client.expect(200, "GET", f"/memos/{memo_id}/cards")["items"]
    assert memo()["card_count"] == len(cards) >= 2
    wait_until(lambda: job_id in jobs_of(stack, WORKERS["default"]), "the worker's log", 10)
    assert job_id not in jobs_of(stack, WORKERS["critical"]) | jobs_of(stack, WORKERS["low"])


@pytest.mark.parametrize("queue", QueueName)
def test_a_message_is_taken_by_the_worker_of_its_queue(stack: Stack, queue: QueueName) -> None:
    """A job that nobody has enqueued is refused there, without a word to its queue."""
    message = stray(queue, owner_id="nobody")
    url = stack.outputs()[f"{queue.title()}QueueUrl"]
    stack.client("sqs").send_message(QueueUrl=url, MessageBody=encode(message))

    job_id = message.ref.job_id
    wait_until(lambda: job_id in jobs_of(stack, WORKERS[queue]), f"the worker of {queue}", 30)


def test_dead_letters_of_every_queue_are_buried(stack: Stack, client: Client) -> None:
    """Their owner sees those that can be read; the queues are empty afterwards."""
    sqs, outputs = stack.client("sqs"), stack.outputs()
    urls = [outputs[f"{queue.title()}DeadQueueUrl"] for queue in QueueName]
    dead = [stray(queue, owner_id=client.user.id) for queue in QueueName]
    for url, message in zip(urls, dead, strict=True):
        sqs.send_message(QueueUrl=url, MessageBody=encode(message))
        sqs.send_message(QueueUrl=url, MessageBody="no message of ours")

    assert {} == Backstage(stack).invoke("dead-letters")

    assert [0, 0, 0] == [depth(sqs.get_queue_attributes, url) for url in urls]
    letters = client.expect(200, "GET", "/dead-letters")["items"]
    assert {message.ref.job_id for message in dead} <= {
        letter.get("run_id") or letter["id"] for letter in letters
    }


def test_the_payloads_bucket_is_the_functions_bucket(stack: Stack) -> None:
    """Every function that enqueues or performs knows the bucket that stands."""
    functions = stack.client("lambda")
    bucket = stack.outputs()["PayloadsBucket"]
    for name in ("api", "sweeper", "dead-letters", *WORKERS.values()):
        found = functions.get_function_configuration(FunctionName=f"nightshift-local-{name}")
        assert bucket == found["Environment"]["Variables"]["NIGHTSHIFT_PAYLOADS_BUCKET"]


def stray(queue: QueueName, *, owner_id: str) -> Message:
    """Return a message of a job that does not exist, of a kind of that queue."""
    kind = {"critical": "task.run", "default": "memo.cards", "low": "memo.purge"}[queue]
    now = datetime.now(UTC)
    ref = JobRef(
        kind=kind,
        subject=new_id(now),
        job_id=JobId(new_id(now)),
        owner_id=owner_id,
        due_ms=int(now.timestamp() * 1000),
        overlap=Overlap.ALLOW,
        queue=queue,
    )
    return Message.first(ref)


def depth(attributes: Callable[..., dict[str, Any]], url: str) -> int:
    """Return how many messages a queue holds, taken or not."""
    found = attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(found[name]) for name in names)
