"""Clients of the emulator: loopback endpoint, dummy credentials, nothing from the machine."""

from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "000000000000"
SECRET = "local"


def client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - botocore makes clients at run time
    """Return a boto3 client of `service` that talks to the emulator at `endpoint` only."""
    session = boto3.session.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET, region_name=REGION
    )
    config = Config(
        connect_timeout=5,
        read_timeout=120,
        retries={"total_max_attempts": 2},
        s3={"addressing_style": "path"},
        inject_host_prefix=False,
    )
    make: Any = session.client
    return make(service, endpoint_url=endpoint, config=config)


def base_environment(endpoint: str) -> dict[str, str]:
    """Return the variables that keep an SDK in another process on the emulator."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_XRAY_SDK_ENABLED": "false",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
