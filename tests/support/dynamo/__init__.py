"""DynamoDB in memory: exact, metered, breakable. `FakeDynamoDB` is the door."""

from tests.support.dynamo.client import FakeDynamoDB
from tests.support.dynamo.metering import Call, Meter, Usage
from tests.support.dynamo.storage import Schema

__all__ = ["Call", "FakeDynamoDB", "Meter", "Schema", "Usage"]
