"""SQS in memory: exact, metered, breakable, on a virtual clock. `FakeSQS` is the door."""

from tests.support.sqs.client import FakeSQS
from tests.support.sqs.metering import SqsCall, SqsMeter, SqsUsage
from tests.support.sqs.queue import Message

__all__ = ["FakeSQS", "Message", "SqsCall", "SqsMeter", "SqsUsage"]
