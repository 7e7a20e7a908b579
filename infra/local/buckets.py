"""Buckets: what the template declares of them, what stands, and mending what the emulator drops.

Its CloudFormation makes a bucket with its public access block and without encryption and lifecycle.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Fact = dict[str, Any]

_NOT_SET = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


def declared_bucket(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    """Return the name and the fact of a bucket in a template, its functions resolved."""
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    encryption = properties.get("BucketEncryption", {})
    versioning = properties.get("VersioningConfiguration", {}).get("Status")
    return f"bucket {logical_id}", {
        "public_access": _blocked(properties.get("PublicAccessBlockConfiguration", {})),
        "versioned": versioning == "Enabled",
        "encryption": [
            one["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
            for one in encryption.get("ServerSideEncryptionConfiguration", [])
        ],
        "lifecycle": _by_id(_rule_of(one) for one in rules),
    }


def observed_bucket(s3: Any, name: str) -> Fact:  # noqa: ANN401 - a client
    """Return the fact of the bucket of that name."""
    block = _asked(s3.get_public_access_block, name).get("PublicAccessBlockConfiguration", {})
    encryption = _asked(s3.get_bucket_encryption, name)
    encryption = encryption.get("ServerSideEncryptionConfiguration", {})
    return {
        "public_access": _blocked(block),
        "versioned": s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "encryption": [
            one["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
            for one in encryption.get("Rules", [])
        ],
        "lifecycle": _by_id(_asked(s3.get_bucket_lifecycle_configuration, name).get("Rules", [])),
    }


def mend_bucket(s3: Any, name: str, want: Fact, have: Fact) -> list[str]:  # noqa: ANN401 - a client
    """Put right what differs and can be; return what was."""
    done = []
    if want["encryption"] and want["encryption"] != have["encryption"]:
        rules = [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": one}}
            for one in want["encryption"]
        ]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        done.append("encryption")
    if want["lifecycle"] != have["lifecycle"]:
        if want["lifecycle"]:
            rules = [{"ID": key, **one} for key, one in want["lifecycle"].items()]
            s3.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": rules}
            )
        else:
            s3.delete_bucket_lifecycle(Bucket=name)
        done.append("lifecycle")
    return done


def _blocked(block: Mapping[str, Any]) -> list[str]:
    return sorted(key for key, value in block.items() if str(value).lower() == "true")


def _rule_of(said: Fact) -> Fact:
    """Return a template's rule in the form that S3's API has for it."""
    rule: Fact = {
        "ID": said["Id"],
        "Status": said["Status"],
        "Filter": {"Prefix": said.get("Prefix", "")},
    }
    expiration: Fact = {}
    if "ExpirationInDays" in said:
        expiration["Days"] = int(said["ExpirationInDays"])
    if str(said.get("ExpiredObjectDeleteMarker", "")).lower() == "true":
        expiration["ExpiredObjectDeleteMarker"] = True
    if expiration:
        rule["Expiration"] = expiration
    for name, unit in (
        ("NoncurrentVersionExpiration", "NoncurrentDays"),
        ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    ):
        if name in said:
            rule[name] = {unit: int(said[name][unit])}
    return rule


def _by_id(rules: Iterable[Fact]) -> dict[str, Fact]:
    return {one["ID"]: {key: one[key] for key in one if key != "ID"} for one in rules}


def _asked(call: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - a client's operation
    try:
        answer: dict[str, Any] = call(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_SET:
            return {}
        raise
    return answer
