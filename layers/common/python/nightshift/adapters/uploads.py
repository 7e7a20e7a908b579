"""The uploads port on S3, and one in memory for tests."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from nightshift.ports.uploads import UploadForm, UploadNotFoundError, UploadTooLargeError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"NoSuchKey", "404"})


class S3Uploads:
    """Files of one bucket."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(self, key: str, *, content_type: str, max_bytes: int, expires_s: int) -> UploadForm:
        """Return a presigned POST; see `ports.uploads.Uploads`."""
        conditions: list[Any] = [
            ["content-length-range", 1, max_bytes],
            {"Content-Type": content_type},
        ]
        made = self._client().generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields={"Content-Type": content_type},
            Conditions=conditions,
            ExpiresIn=expires_s,
        )
        return UploadForm(url=made["url"], fields=made["fields"])

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return what lies at `key`; see `ports.uploads.Uploads`."""
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise UploadNotFoundError from error
            raise
        with answer["Body"] as body:
            if answer["ContentLength"] > max_bytes:
                raise UploadTooLargeError
            return body.read()

    def keep(self, key: str, data: bytes, *, content_type: str) -> None:
        """Put bytes; see `ports.uploads.Uploads`."""
        self._client().put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def url(self, key: str, *, content_type: str, expires_s: int) -> str:
        """Return a presigned address; see `ports.uploads.Uploads`."""
        return self._client().generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentType": content_type,
                "ResponseContentDisposition": "inline",
                "ResponseCacheControl": f"private, max-age={expires_s}",
            },
            ExpiresIn=expires_s,
        )

    def remove_under(self, prefix: str, *, but: str = "") -> None:
        """Remove what lies under a prefix; see `ports.uploads.Uploads`."""
        pages = self._client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            found = [one["Key"] for one in page.get("Contents", ()) if one["Key"] != but]
            for key in found:
                self._client().delete_object(Bucket=self._bucket, Key=key)


class MemoryUploads:
    """Files in a dictionary, for tests; `put` is what a client does with a form."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.forms: dict[str, tuple[str, int]] = {}

    def form(self, key: str, *, content_type: str, max_bytes: int, expires_s: int) -> UploadForm:
        """Return a form that `put` understands."""
        self.forms[key] = (content_type, max_bytes)
        fields = {"key": key, "Content-Type": content_type, "expires": str(expires_s)}
        return UploadForm(url="memory://uploads", fields=fields)

    def put(self, form: UploadForm, data: bytes) -> bool:
        """Send a file by a form; tell whether the bucket took it."""
        key = form.fields["key"]
        content_type, max_bytes = self.forms[key]
        if not 1 <= len(data) <= max_bytes or form.fields["Content-Type"] != content_type:
            return False
        self.files[key] = (data, content_type)
        return True

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return what lies at `key`."""
        if key not in self.files:
            raise UploadNotFoundError
        data = self.files[key][0]
        if len(data) > max_bytes:
            raise UploadTooLargeError
        return data

    def keep(self, key: str, data: bytes, *, content_type: str) -> None:
        """Put bytes."""
        self.files[key] = (data, content_type)

    def url(self, key: str, *, content_type: str, expires_s: int) -> str:
        """Return an address that says what it was made from."""
        return f"memory://{key}?type={content_type}&for={expires_s}"

    def remove_under(self, prefix: str, *, but: str = "") -> None:
        """Remove what lies under a prefix."""
        for key in [k for k in self.files if k.startswith(prefix) and k != but]:
            del self.files[key]
