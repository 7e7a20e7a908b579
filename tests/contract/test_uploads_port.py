"""The uploads port: the same promises of S3 and of the stand-in."""

import base64
import json
from collections.abc import Iterator

import pytest

from nightshift.adapters.uploads import MemoryUploads, S3Uploads
from nightshift.ports.uploads import UploadNotFoundError, Uploads, UploadTooLargeError
from tests.support.doors import moto_client

BUCKET = "assets"


@pytest.fixture(params=["memory", "s3"])
def uploads(request: pytest.FixtureRequest) -> Iterator[Uploads]:
    """Each of the two."""
    if request.param == "memory":
        yield MemoryUploads()
        return
    with moto_client("s3") as client:
        client.create_bucket(Bucket=BUCKET)
        yield S3Uploads(lambda: client, BUCKET)


def test_what_is_kept_is_read(uploads: Uploads) -> None:
    """The same bytes; a second time replaces them."""
    uploads.keep("a/1", b"first", content_type="image/png")
    uploads.keep("a/1", b"second", content_type="image/png")
    assert b"second" == uploads.read("a/1", max_bytes=6)


def test_what_is_not_there_is_told(uploads: Uploads) -> None:
    """Nothing is no empty file."""
    with pytest.raises(UploadNotFoundError):
        uploads.read("a/1", max_bytes=10)


def test_what_is_too_large_is_not_read(uploads: Uploads) -> None:
    """The bound is the largest that is read."""
    uploads.keep("a/1", b"12345", content_type="image/png")
    assert b"12345" == uploads.read("a/1", max_bytes=5)
    with pytest.raises(UploadTooLargeError):
        uploads.read("a/1", max_bytes=4)


def test_removing_spares_one_and_others(uploads: Uploads) -> None:
    """All under the prefix goes but the one named; removing nothing is fine."""
    for key in ("a/1", "a/2", "a/3", "ab/1"):
        uploads.keep(key, b"x", content_type="image/png")
    uploads.remove_under("a/", but="a/2")
    uploads.remove_under("nothing/")
    assert [b"x", b"x"] == [uploads.read(key, max_bytes=1) for key in ("a/2", "ab/1")]
    for key in ("a/1", "a/3"):
        with pytest.raises(UploadNotFoundError):
            uploads.read(key, max_bytes=1)


def test_an_address_names_the_key(uploads: Uploads) -> None:
    """It is for one file and says of what type it is."""
    url = uploads.url("a/1", content_type="image/png", expires_s=60)
    assert "a/1" in url
    assert "image" in url


def test_the_buckets_form_binds_what_it_must() -> None:
    """The policy that S3 signs names the key, the type, the size and the end."""
    with moto_client("s3") as client:
        form = S3Uploads(lambda: client, BUCKET).form(
            "uploads/1", content_type="image/png", max_bytes=1000, expires_s=600
        )
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    conditions = policy["conditions"]
    assert ["content-length-range", 1, 1000] in conditions
    assert {"Content-Type": "image/png"} in conditions
    assert {"key": "uploads/1"} in conditions
    assert {"bucket": BUCKET} in conditions
    assert {"key", "policy", "Content-Type"} < form.fields.keys()
    assert "expiration" in policy
