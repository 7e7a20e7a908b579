"""Cached AWS clients.

They are made straight from botocore's session: boto3's resource layer is not used here, and leaving
it out saves a tenth of a cold start. Retries are botocore's standard mode, which is bounded and
safe because every write of the product is conditional or idempotent.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 8
MAX_ATTEMPTS = 4
MAX_CONNECTIONS = 32


@cache
def _session() -> Session:
    return Session()


def _client(service: str, *, attempts: int = MAX_ATTEMPTS, **more: Any) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=MAX_CONNECTIONS,
        region_name=os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION")),
        **more,
    )
    return _session().create_client(service, config=config)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the process's DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb")
    return client


@cache
def sqs() -> "SQSClient":
    """Return the process's SQS client."""
    client: SQSClient = _client("sqs")
    return client


@cache
def events() -> "EventBridgeClient":
    """Return the process's EventBridge client."""
    client: EventBridgeClient = _client("events")
    return client


@cache
def ssm() -> "SSMClient":
    """Return the process's Systems Manager client."""
    client: SSMClient = _client("ssm")
    return client


@cache
def secretsmanager() -> "SecretsManagerClient":
    """Return the process's Secrets Manager client."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client


@cache
def s3() -> "S3Client":
    """Return the process's S3 client.

    Addresses that it makes are signed by version 4, the only one that S3 takes everywhere, and name
    the region's own host: the global one redirects to it for a day, which no signature survives.
    """
    hosts = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    client: S3Client = _client("s3", signature_version="s3v4", s3=hosts)
    return client


@cache
def sesv2() -> "SESV2Client":
    """Return the process's SES client; it makes one attempt, since a second might send twice."""
    client: SESV2Client = _client("sesv2", attempts=1)
    return client
