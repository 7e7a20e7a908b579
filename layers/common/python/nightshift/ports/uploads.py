"""Uploads: files that clients send straight to the bucket, and that are looked at before use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nightshift.core.errors import NightshiftError


class UploadNotFoundError(NightshiftError):
    """Nothing was uploaded there, or it is long gone; ask for a new form."""

    slug = "upload_not_found"
    status = 404


class UploadTooLargeError(NightshiftError):
    """The upload is larger than allowed."""

    slug = "upload_too_large"
    status = 413


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadForm:
    """Where to send a file, as multipart/form-data: all `fields`, then the file as `file`."""

    url: str
    fields: Mapping[str, str]


class Uploads(Protocol):
    """A bucket that clients can put files into by a form, each under a key of its own."""

    def form(self, key: str, *, content_type: str, max_bytes: int, expires_s: int) -> UploadForm:
        """Return a form by which whoever has it can put one file at `key`, for a while.

        Another key, another content type and more bytes are refused by the bucket itself. Within
        its time the form can be used again: what was looked at once may be something else later.
        """
        ...

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return what lies at `key`.

        Raises:
            UploadNotFoundError: nothing does.
            UploadTooLargeError: it has more than `max_bytes`; nothing of it was read.
        """
        ...

    def keep(self, key: str, data: bytes, *, content_type: str) -> None:
        """Put bytes at a key that no form leads to."""
        ...

    def url(self, key: str, *, content_type: str, expires_s: int) -> str:
        """Return an address that shows the file to whoever has it, for `expires_s` seconds."""
        ...

    def remove_under(self, prefix: str, *, but: str = "") -> None:
        """Remove what lies under a prefix, except the key `but`."""
        ...
