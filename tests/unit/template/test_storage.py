from typing import Any

import pytest

from nightshift.cache.keys import blob
from nightshift.cache.store import MAX_KEEP_S
from nightshift.jobs.retention import DAY_S, TERMS_DAYS, payload_key, result_key
from tests.unit.template.cfn import STAGES, deployed

KEPT = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")


def tables(stage: str) -> dict[str, dict[str, Any]]:
    return deployed(stage).of_type("AWS::DynamoDB::Table")


def kept(stage: str) -> list[dict[str, Any]]:
    """What holds data."""
    return [one for _, one in deployed(stage).everything() if one["Type"] in KEPT]


def test_one_table_a_context() -> None:
    """Tasks, jobs, users, memos, audit log, settings, mails, cache and HTTP state lie apart."""
    names = ("Tasks", "Jobs", "Identity", "Http", "Memos", "Audit", "Settings", "Email", "Cache")
    expected = {f"<Tables/{name}Table>" for name in names}
    assert expected == tables("prod").keys()


@pytest.mark.parametrize("stage", STAGES)
def test_tables_have_one_shape(stage: str) -> None:
    """String keys pk and sk, paid by request, TTL on expires_at, and no index."""
    for table in tables(stage).values():
        assert table["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]
        assert {"S"} == {one["AttributeType"] for one in table["AttributeDefinitions"]}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert not table.keys() & {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"}


@pytest.mark.parametrize(("stage", "safe"), [("dev", False), ("staging", False), ("prod", True)])
def test_production_alone_guards_its_tables(stage: str, *, safe: bool) -> None:
    """Point-in-time recovery, a key of the account and deletion protection are production's."""
    for table in tables(stage).values():
        recovery = table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        guards = (recovery, table["SSESpecification"]["SSEEnabled"])
        assert (safe, safe, safe) == (*guards, table["DeletionProtectionEnabled"])


@pytest.mark.parametrize(
    ("stage", "policy"), [("local", "Delete"), ("dev", "Delete"), ("prod", "Retain")]
)
def test_production_keeps_its_data(stage: str, policy: str) -> None:
    """Production's data outlives its stack; any other stage can be destroyed whole."""
    assert len(kept(stage)) == 11
    for one in kept(stage):
        assert (policy, policy) == (one["DeletionPolicy"], one["UpdateReplacePolicy"])


@pytest.mark.parametrize("stage", STAGES)
def test_buckets_are_private(stage: str) -> None:
    """Nothing in a bucket is public, plain, or reached without TLS."""
    for symbol, bucket in deployed(stage).of_type("AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        policies = deployed(stage).of_type("AWS::S3::BucketPolicy").values()
        (policy,) = [one for one in policies if one["Bucket"] == symbol]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_buckets_do_not_pile_up() -> None:
    """Old versions and uploads that nobody ended go away by themselves."""
    for bucket in deployed("prod").of_type("AWS::S3::Bucket").values():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert {"Enabled"} == {one["Status"] for one in rules}
        keys = {key for one in rules for key in one}
        assert {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"} <= keys


def test_uploads_that_nobody_looked_at_go_away() -> None:
    """They lie under a prefix of their own, and no old version of a picture is kept."""
    bucket = deployed("prod").of_type("AWS::S3::Bucket")["<Storage/AssetsBucket>"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {"uploads/": 1} == {r["Prefix"]: r["ExpirationInDays"] for r in rules if "Prefix" in r}
    assert "Suspended" == bucket["VersioningConfiguration"]["Status"]


def terms(stage: str) -> dict[str, int]:
    """How long the payloads bucket keeps what lies under a prefix, in days."""
    bucket = deployed(stage).of_type("AWS::S3::Bucket")["<Storage/PayloadsBucket>"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    return {one["Prefix"]: one["ExpirationInDays"] for one in rules if "Prefix" in one}


@pytest.mark.parametrize("stage", STAGES)
def test_the_bucket_keeps_what_the_keys_say(stage: str) -> None:
    """Whatever key the engine makes lies under a prefix that is kept for as long as it says."""
    assert len(terms(stage)) == 2 * len(TERMS_DAYS) + 1
    for days in TERMS_DAYS:
        needed_s = days * DAY_S
        for key in (
            payload_key("j", needed_s=needed_s),
            result_key("j", "1.json", needed_s=needed_s),
        ):
            assert [days] == [
                kept for prefix, kept in terms(stage).items() if key.startswith(prefix)
            ]


@pytest.mark.parametrize("stage", STAGES)
def test_the_bucket_keeps_what_is_cached_for_as_long_as_it_may_be(stage: str) -> None:
    """A day longer, and no longer; whatever key the cache makes lies there."""
    (days,) = [kept for prefix, kept in terms(stage).items() if blob("n", "t").startswith(prefix)]
    assert MAX_KEEP_S + DAY_S == days * DAY_S
