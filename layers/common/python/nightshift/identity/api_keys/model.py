"""An API key, and whether it is good at a moment for an address. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nightshift.core.access import NEVER_FOR_KEYS, ApiKeyId, Permission, UserId
from nightshift.core.tokens import same
from nightshift.identity.api_keys.errors import (
    ApiKeyAddressError,
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    ApiKeyRotatedError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key of a user.

    Attributes:
        shown: the first characters of the secret, by which its owner knows it again.
        origin: the id of the request that made or last rotated it.
        secret_hash: of the secret that is good.
        old_hash, old_until: the secret before it, which is good until then.
        cidrs: networks from which it can be used; empty is everywhere.
        last_used_at: to the hour.
        epoch: of the session that made it; see `User.owned_epoch`.
    """

    key_id: ApiKeyId
    owner_id: UserId
    name: str
    shown: str
    origin: str
    secret_hash: str
    scopes: frozenset[Permission]
    cidrs: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None
    old_hash: str | None = None
    old_until: datetime | None = None
    epoch: int = 0

    def permissions(self, owners: frozenset[Permission]) -> frozenset[Permission]:
        """Return what a request with the key may do, given what its owner may at this moment."""
        return (self.scopes & owners) - NEVER_FOR_KEYS

    def check(self, presented_hash: str, *, address: str, now: datetime) -> None:
        """Accept a secret of this key.

        Raises:
            ApiKeyRevokedError, ApiKeyRotatedError, ApiKeyExpiredError, ApiKeyAddressError.
        """
        if self.revoked_at is not None:
            raise ApiKeyRevokedError
        if not same(presented_hash.encode(), self.secret_hash.encode()):
            self._check_old(presented_hash, now)
        if self.expires_at is not None and self.expires_at <= now:
            raise ApiKeyExpiredError
        if self.cidrs and not is_within(address, self.cidrs):
            raise ApiKeyAddressError

    def _check_old(self, presented_hash: str, now: datetime) -> None:
        is_old = same(presented_hash.encode(), (self.old_hash or "").encode())
        if not is_old or self.old_until is None or self.old_until <= now:
            raise ApiKeyRotatedError


def is_within(address: str, cidrs: Iterable[str]) -> bool:
    """Tell whether the address lies in one of the networks; what is no address does not.

    An IPv4 address in IPv6's clothes (RFC 4291 section 2.5.5.2) is the IPv4 address.
    """
    import ipaddress  # noqa: PLC0415 - cold start; most keys name no networks

    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(cidr) for cidr in cidrs)


def plain_cidrs(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the networks in their one spelling, each once; an address is a network of one.

    Raises:
        ValueError: saying what is wrong with which.
    """
    return tuple(dict.fromkeys(_plain_cidr(text) for text in texts))


def _plain_cidr(text: str) -> str:
    import ipaddress  # noqa: PLC0415 - cold start

    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"This is no network like 192.0.2.0/24: {error}") from error
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError("Write an IPv4 network as IPv4, like 192.0.2.0/24")
    return str(network)
