"""Buckets as the template declares them and as S3 tells of them come to the same facts."""

from typing import Any

from botocore.exceptions import ClientError

from infra.local.buckets import declared_bucket, mend_bucket, observed_bucket

DECLARED: dict[str, Any] = {
    "VersioningConfiguration": {"Status": "Enabled"},
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": "true", "IgnorePublicAcls": False},
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        ]
    },
    "LifecycleConfiguration": {
        "Rules": [
            {"Id": "short", "Status": "Enabled", "Prefix": "short/", "ExpirationInDays": "3"},
            {
                "Id": "remains",
                "Status": "Enabled",
                "ExpiredObjectDeleteMarker": "true",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            },
        ]
    },
}


class Bucket:
    """S3 with one bucket, whose configurations are what was last put."""

    def __init__(self, **put: Any) -> None:
        self.put: dict[str, Any] = put

    def _get(self, name: str, absent: str) -> dict[str, Any]:
        if name not in self.put:
            raise ClientError({"Error": {"Code": absent}}, name)
        return {name: self.put[name]}

    def get_public_access_block(self, **_: str) -> dict[str, Any]:
        """Return the block."""
        name = "PublicAccessBlockConfiguration"
        return self._get(name, "NoSuchPublicAccessBlockConfiguration")

    def get_bucket_encryption(self, **_: str) -> dict[str, Any]:
        """Return the encryption."""
        absent = "ServerSideEncryptionConfigurationNotFoundError"
        return self._get("ServerSideEncryptionConfiguration", absent)

    def get_bucket_versioning(self, **_: str) -> dict[str, Any]:
        """Return the versioning."""
        return {"Status": self.put["Status"]} if "Status" in self.put else {}

    def get_bucket_lifecycle_configuration(self, **_: str) -> dict[str, Any]:
        """Return the lifecycle."""
        return self._get("Rules", "NoSuchLifecycleConfiguration")

    def put_bucket_encryption(self, **request: Any) -> None:
        """Keep the encryption."""
        name = "ServerSideEncryptionConfiguration"
        self.put[name] = request[name]

    def put_bucket_lifecycle_configuration(self, **request: Any) -> None:
        """Keep the lifecycle."""
        self.put["Rules"] = request["LifecycleConfiguration"]["Rules"]

    def delete_bucket_lifecycle(self, **_: str) -> None:
        """Forget the lifecycle."""
        del self.put["Rules"]


def test_a_mended_bucket_is_as_declared() -> None:
    """What the deployment left out is put, and then nothing differs."""
    name, want = declared_bucket("Files", DECLARED)
    s3 = Bucket(Status="Enabled", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    have = observed_bucket(s3, "files")
    assert name == "bucket Files"
    assert want != have
    assert ["encryption", "lifecycle"] == mend_bucket(s3, "files", want, have)
    assert want == observed_bucket(s3, "files")
    assert [] == mend_bucket(s3, "files", want, observed_bucket(s3, "files"))


def test_a_lifecycle_that_is_no_longer_declared_goes() -> None:
    """Objects are not deleted by a rule that nobody sees any more."""
    _, before = declared_bucket("Files", DECLARED)
    s3 = Bucket()
    mend_bucket(s3, "files", before, observed_bucket(s3, "files"))
    _, want = declared_bucket("Files", {})
    assert ["lifecycle"] == mend_bucket(s3, "files", want, observed_bucket(s3, "files"))
    assert {} == observed_bucket(s3, "files")["lifecycle"]


def test_each_difference_shows() -> None:
    """Another age, another prefix, an open door: none passes for the same."""
    _, want = declared_bucket("Files", DECLARED)
    rules = DECLARED["LifecycleConfiguration"]["Rules"]
    others: list[dict[str, Any]] = [
        {"PublicAccessBlockConfiguration": {}},
        {"VersioningConfiguration": {"Status": "Suspended"}},
        {"LifecycleConfiguration": {"Rules": rules[:1]}},
        {"LifecycleConfiguration": {"Rules": [rules[0] | {"Prefix": "s/"}, rules[1]]}},
        {"LifecycleConfiguration": {"Rules": [rules[0] | {"ExpirationInDays": 4}, rules[1]]}},
    ]
    for other in others:
        assert want != declared_bucket("Files", DECLARED | other)[1]
