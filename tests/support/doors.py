"""Clients for contract tests: the same calls go to moto behind botocore and to the fakes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from moto import mock_aws

REGION = "us-east-1"
AwsClient: TypeAlias = Any
"""A low-level client: botocore makes its classes at run time, the fakes stand in for them."""

_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})


@contextmanager
def moto_client(service: str) -> Iterator[AwsClient]:
    """Yield botocore's client of `service` with moto behind it."""
    with mock_aws():
        make: Any = boto3.client
        yield make(
            service,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=_ONCE,
        )


def make_things(client: AwsClient, table: str) -> None:
    """Make the table of a contract test: keys pk and sk, both S."""
    client.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
