"""The blobs port: the bucket of a running stack and the one in memory behave alike."""

import http.client
import uuid
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from nightshift.adapters.blobs import MemoryBlobs, S3Blobs
from nightshift.aws import clients
from nightshift.ports.blobs import BlobNotFoundError, Blobs
from tests.integration.stack.harness import Stack

pytestmark = pytest.mark.stack

DATA = bytes(range(256)) * 100


@pytest.fixture
def bucket(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Blobs]:
    """The payloads bucket of a stack, through the product's own client."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.state()["endpoint"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    clients.s3.cache_clear()
    yield S3Blobs(clients.s3, stack.outputs()["PayloadsBucket"])
    clients.s3.cache_clear()


@pytest.fixture(params=["memory", "s3"])
def blobs(request: pytest.FixtureRequest, bucket: S3Blobs) -> Blobs:
    """Both adapters of the port."""
    return MemoryBlobs() if request.param == "memory" else bucket


def fresh(name: str = "a.bin") -> str:
    """Return a key that nobody has used."""
    return f"results/35d/{uuid.uuid4()}/{name}"


def test_what_is_put_is_got(blobs: Blobs) -> None:
    """Byte for byte, and the same key again replaces it."""
    key = fresh()
    blobs.put(key, b"first", content_type="text/plain")
    blobs.put(key, DATA, content_type="application/octet-stream")
    assert DATA == blobs.get(key)


def test_what_is_absent_is_told_apart(blobs: Blobs) -> None:
    """A key that was never put is an error of its own."""
    with pytest.raises(BlobNotFoundError):
        blobs.get(fresh())


def test_a_url_gives_the_bytes_as_a_file(bucket: S3Blobs) -> None:
    """Whoever has the address gets them, with name and type, and needs no credentials."""
    key = fresh()
    bucket.put(key, DATA, content_type="application/octet-stream")
    address = urlsplit(
        bucket.url(key, filename="bäume 1.csv", content_type="text/csv", expires_s=60)
    )
    assert address.hostname == "127.0.0.1"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in address.query
    with closing(http.client.HTTPConnection("127.0.0.1", address.port or 0)) as link:
        link.request("GET", f"{address.path}?{address.query}")
        answer = link.getresponse()
        assert (200, DATA) == (answer.status, answer.read())
    assert "text/csv" == answer.headers["content-type"]
    expected = "attachment; filename=\"b_ume_1.csv\"; filename*=UTF-8''b%C3%A4ume%201.csv"
    assert expected == answer.headers["content-disposition"]
