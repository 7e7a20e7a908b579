from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from nightshift.adapters.blobs import S3Blobs
from nightshift.aws import clients


@pytest.fixture
def address_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """What gives the address of an object of a bucket in a region."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def make(region: str) -> str:
        monkeypatch.setenv("AWS_REGION", region)
        clients.s3.cache_clear()
        blobs = S3Blobs(clients.s3, "files")
        return blobs.url("results/35d/a.csv", filename="a", content_type="text/csv", expires_s=60)

    yield make
    clients.s3.cache_clear()


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2"])
def test_downloads_name_the_regions_host(address_in: Callable[[str], str], region: str) -> None:
    """No redirect lies between the address and the object, and every region takes the signature."""
    address = urlsplit(address_in(region))
    query = parse_qs(address.query)
    assert f"files.s3.{region}.amazonaws.com" == address.hostname
    assert ["AWS4-HMAC-SHA256"] == query["X-Amz-Algorithm"]
    assert ["60"] == query["X-Amz-Expires"]
    assert f"/{region}/s3/" in query["X-Amz-Credential"][0]
