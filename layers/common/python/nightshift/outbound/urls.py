"""The URLs that a call accepts, and their parts (RFC 3986, RFC 9110 section 4.2).

Checked here is what can be judged without asking the network. A host is either a name or an address
in its one canonical spelling; every other spelling that some resolver would take for an address
(decimal, octal, hexadecimal, shortened) is refused whatever it means. What a *name* resolves to is
judged by the sender, at every call.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from nightshift.core.errors import FieldError
from nightshift.outbound.addresses import IPAddress, forbidden_reason
from nightshift.outbound.errors import InvalidWebhookUrlError

MAX_URL_CHARS: Final = 2048
_MAX_HOST_CHARS = 253
_MAX_PORT = 65535
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_WHAT_A_HOST_IS = (
    "The URL needs a host and at most a port from 1 to 65535, for example"
    " https://example.com:8443/hook; an IPv6 address stands in brackets, without a zone."
)

_SCHEME = re.compile(r"(?i:https?)://")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]@]*\]|[^\[\]@:]+)(?::(?P<port>[0-9]{1,5}))?")
# RFC 3986 pchar, "/" and "?", with "%" only as the start of a percent-encoded octet.
_PATH_AND_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a call goes.

    `host` is a lower-case ASCII name without a trailing dot, or an address as `ipaddress` writes it
    (IPv6 without brackets); `address` is that address, None for a name. `resource` is the path and
    query of the request line.
    """

    secure: bool
    host: str
    address: IPAddress | None
    port: int
    resource: str

    @property
    def authority(self) -> str:
        """Return the value of the Host header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        default = _DEFAULT_PORTS["https" if self.secure else "http"]
        return host if self.port == default else f"{host}:{self.port}"


def check_url(url: str, *, allow_loopback: bool, field: str = "webhook_url") -> None:
    """Accept a URL that a call could be made to, before it is stored.

    Names are not resolved here; the sender judges what they resolve to at each call.

    Raises:
        InvalidWebhookUrlError: says what is wrong and what would be right, in `errors` for `field`.
    """
    try:
        parse_target(url, allow_loopback=allow_loopback)
    except InvalidWebhookUrlError as error:
        found = FieldError(field=field, message=error.message)
        raise InvalidWebhookUrlError(error.message, errors=[found]) from None


def parse_target(url: str, *, allow_loopback: bool) -> Target:
    """Return the parts of `url`; see `check_url`.

    Raises:
        InvalidWebhookUrlError: the URL is refused.
    """
    parts = _split(url)
    host, port = _host_and_port(parts.netloc)
    address = _address(host)
    if address is None:
        host = _name(host)
        address = _address(host)  # Full-width digits become an address only when mapped.
    host = host if address is None else str(address)
    _judge(host, address, allow_loopback=allow_loopback)
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PATH_AND_QUERY.fullmatch(resource):
        raise InvalidWebhookUrlError(
            "The path or query holds a character that a URL cannot; percent-encode it, for example"
            " a space as %20."
        )
    secure = parts.scheme == "https"
    default = _DEFAULT_PORTS[parts.scheme]
    return Target(
        secure=secure, host=host, address=address, port=port or default, resource=resource
    )


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_CHARS:
        raise InvalidWebhookUrlError(f"The URL is longer than {MAX_URL_CHARS} characters.")
    # urlsplit drops tabs and line ends silently, so they are looked for before it sees them.
    if not _SCHEME.match(url) or any(char <= " " or char in '\\"<>^`{|}\x7f' for char in url):
        raise InvalidWebhookUrlError(
            "The URL must be absolute, start with https:// or http:// and hold no spaces,"
            " backslashes or control characters, for example https://example.com/hook."
        )
    if "#" in url:
        raise InvalidWebhookUrlError("The URL must not have a fragment; leave out # and the rest.")
    try:
        return urlsplit(url)
    except ValueError:
        raise InvalidWebhookUrlError(_WHAT_A_HOST_IS) from None


def _host_and_port(netloc: str) -> tuple[str, int | None]:
    if "@" in netloc:
        raise InvalidWebhookUrlError(
            "The URL must not carry a user name or password; send an Authorization header instead."
        )
    match = _AUTHORITY.fullmatch(netloc)
    if match is None:
        raise InvalidWebhookUrlError(_WHAT_A_HOST_IS)
    port = match["port"]
    if port is not None and not 1 <= int(port) <= _MAX_PORT:
        raise InvalidWebhookUrlError(f"The port must be from 1 to {_MAX_PORT}.")
    return match["host"].lower(), None if port is None else int(port)


def _address(host: str) -> IPAddress | None:
    if host.startswith("["):
        try:
            return IPv6Address(host[1:-1])
        except ValueError:
            raise InvalidWebhookUrlError(_WHAT_A_HOST_IS) from None
    bare = host.removesuffix(".")
    if not _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(bare)
    except ValueError:
        raise InvalidWebhookUrlError(
            "The host looks like an IPv4 address in an unusual spelling; write four decimal numbers"
            " without leading zeros, or a name."
        ) from None


def _name(host: str) -> str:
    name = (host if host.isascii() else _idna(host)).removesuffix(".").lower()
    if len(name) > _MAX_HOST_CHARS or not all(_LABEL.fullmatch(x) for x in name.split(".")):
        raise InvalidWebhookUrlError(
            "The host is not a valid name: labels of 1 to 63 letters, digits and hyphens, joined"
            f" by single dots, {_MAX_HOST_CHARS} characters at most."
        )
    return name


def _idna(host: str) -> str:
    import idna  # noqa: PLC0415 - its tables are large, and few hosts need them

    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise InvalidWebhookUrlError(
            "The host is not a valid internationalised name (IDNA 2008); give it as xn--... if you"
            " know that form."
        ) from None


def _judge(host: str, address: IPAddress | None, *, allow_loopback: bool) -> None:
    if address is not None:
        reason = forbidden_reason(address, allow_loopback=allow_loopback)
    elif f".{host}".endswith(".localhost") and not allow_loopback:
        reason = "loopback (RFC 6761)"
    else:
        reason = None
    if reason is not None:
        raise InvalidWebhookUrlError(
            f"The host {host} is not a public one ({reason}); give a host on the public internet."
        )
