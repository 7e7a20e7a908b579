"""Blobs: where bytes lie that are too large for a table's item."""

from typing import Protocol

from nightshift.core.errors import NightshiftError


class BlobNotFoundError(NightshiftError):
    """There is no such blob any more."""

    slug = "blob_not_found"
    status = 404


class Blobs(Protocol):
    """Keeps bytes under keys such as `results/35d/<id>.json`; the same key again replaces them."""

    def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Keep the bytes."""
        ...

    def get(self, key: str) -> bytes:
        """Return the bytes.

        Raises:
            BlobNotFoundError: there are none under this key.
        """
        ...

    def url(self, key: str, *, filename: str, content_type: str, expires_s: int) -> str:
        """Return an address that gives the bytes to whoever has it, for `expires_s` seconds.

        Whether there are any is not checked.
        """
        ...
