"""The blobs port on S3, and one in memory for tests."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import ClientError

from nightshift.ports.blobs import BlobNotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"NoSuchKey", "404"})


class S3Blobs:
    """Keeps blobs as objects of one bucket."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep the bytes; see `ports.blobs.Blobs`."""
        self._client().put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def get(self, key: str) -> bytes:
        """Return the bytes; see `ports.blobs.Blobs`."""
        try:
            return self._client().get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise BlobNotFoundError from error
            raise

    def url(self, key: str, *, filename: str, content_type: str, expires_s: int) -> str:
        """Return a presigned address; see `ports.blobs.Blobs`."""
        return self._client().generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentType": content_type,
                "ResponseContentDisposition": disposition(filename),
            },
            ExpiresIn=expires_s,
        )


def disposition(filename: str) -> str:
    """Return the header that makes a browser save the file by this name (RFC 6266, RFC 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


class MemoryBlobs:
    """Keeps blobs in a dictionary, for tests; its addresses lead nowhere."""

    def __init__(self) -> None:
        self.blobs: dict[str, tuple[bytes, str]] = {}

    def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep the bytes."""
        self.blobs[key] = (data, content_type)

    def get(self, key: str) -> bytes:
        """Return the bytes."""
        if key not in self.blobs:
            raise BlobNotFoundError
        return self.blobs[key][0]

    def url(self, key: str, *, filename: str, content_type: str, expires_s: int) -> str:
        """Return an address that says what it was made from."""
        return f"memory://{key}?name={quote(filename)}&type={content_type}&for={expires_s}"
