"""What every answer carries, whether it is JSON or a page."""

from collections.abc import Mapping

from nightshift.http.reply import RawReply
from nightshift.http.request import RawRequest

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_HSTS = "max-age=31536000; includeSubDomains"


def dressed(
    reply: RawReply, raw: RawRequest | None, request_id: str, defaults: Mapping[str, str]
) -> RawReply:
    """Add the headers that every answer carries; a HEAD request gets no body.

    `defaults` come after those of all answers and before the reply's own.
    """
    headers = {**_ALWAYS, **defaults, **reply.headers, "x-request-id": request_id}
    if raw is not None and raw.headers.get("x-forwarded-proto", "") == "https":
        headers["strict-transport-security"] = _HSTS
    body = b"" if raw is not None and raw.method == "HEAD" else reply.body
    return RawReply(status=reply.status, headers=headers, body=body, cookies=reply.cookies)


def has_current(raw: RawRequest, tag: str | None) -> bool:
    """Tell whether who reads has what `tag` stands for (weak comparison, RFC 9110 13.1.2)."""
    if raw.method not in {"GET", "HEAD"} or not tag:
        return False
    header = raw.headers.get("if-none-match", "")
    tags = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in tags or header.strip() == "*"
