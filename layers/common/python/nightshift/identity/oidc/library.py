"""What is known of providers: metadata and keys, kept in the process and asked for again in time.

Keys are found by `kid`. An unknown one makes the keys be read anew, and so does a signature that is
wrong by a known one, at most once a minute: a provider that changes its keys is followed, whether
it names them or not, and made-up tokens cost nothing. While a provider does not answer, what is
known of it stays, for a day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from nightshift.core.clock import Clock
from nightshift.identity.oidc.errors import ProviderUnavailableError
from nightshift.identity.oidc.keyset import KeySet
from nightshift.identity.oidc.metadata import metadata_url, read_metadata
from nightshift.identity.oidc.model import Metadata, Provider
from nightshift.identity.oidc.wire import Wire
from nightshift.observability import Log

FRESH_FOR = timedelta(hours=1)
KEPT_FOR = timedelta(days=1)
REFETCH_PAUSE = timedelta(minutes=1)
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept(Generic[_T]):
    """Something read at `read_at`; `tried_at` is when it was last asked for, well or ill."""

    value: _T
    read_at: datetime
    tried_at: datetime


class Library:
    """Metadata and keys of providers, by their ids."""

    def __init__(self, wire: Wire, clock: Clock, log: Log, *, allow_loopback: bool) -> None:
        self._wire = wire
        self._clock = clock
        self._log = log
        self._allow_loopback = allow_loopback
        self._metadata: dict[str, _Kept[Metadata]] = {}
        self._keys: dict[str, _Kept[KeySet]] = {}

    def metadata(self, provider: Provider) -> Metadata:
        """Return the provider's metadata.

        Raises:
            ProviderUnavailableError: it has none that can be used, and none is known.
        """
        return self._look(self._metadata, provider, lambda: self._read_metadata(provider))

    def key(self, provider: Provider, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """Return the public key, or None when the provider has no such key.

        Raises:
            ProviderUnavailableError: it has no keys that can be used, and none are known.
        """
        found = self._key_set(provider).find(kid, algorithm)
        return self.newer_key(provider, kid, algorithm) if found is None else found

    def newer_key(
        self, provider: Provider, kid: str | None, algorithm: str
    ) -> Mapping[str, Any] | None:
        """Return the public key as the provider publishes it now; None if it was asked just now.

        Raises:
            ProviderUnavailableError: as `key` says.
        """
        if not self._may_ask_again(provider):
            return None
        return self._key_set(provider, anew=True).find(kid, algorithm)

    def _key_set(self, provider: Provider, *, anew: bool = False) -> KeySet:
        uri = self.metadata(provider).jwks_uri

        def read() -> KeySet | str:
            document = self._wire.get(uri)
            keys = KeySet.of(document.json) if document.ok else None
            return document.detail if keys is None else keys

        return self._look(self._keys, provider, read, anew=anew)

    def _may_ask_again(self, provider: Provider) -> bool:
        kept = self._keys[provider.provider_id]
        return self._clock.now() - kept.tried_at >= REFETCH_PAUSE

    def _look(
        self,
        kept: dict[str, _Kept[_T]],
        provider: Provider,
        read: Callable[[], _T | str],
        *,
        anew: bool = False,
    ) -> _T:
        """Return what is kept if it is fresh, or else what is read; a text says why it cannot."""
        now = self._clock.now()
        known = kept.get(provider.provider_id)
        if known is not None and now - known.read_at >= KEPT_FOR:
            known = None
        if known is not None and not anew:
            is_fresh = now - known.read_at < FRESH_FOR
            if is_fresh or now - known.tried_at < REFETCH_PAUSE:
                return known.value
        found = read()
        if not isinstance(found, str):
            kept[provider.provider_id] = _Kept(value=found, read_at=now, tried_at=now)
            return found
        self._log.warning("oidc.unavailable", provider=provider.provider_id, reason=found)
        if known is None:
            raise ProviderUnavailableError
        kept[provider.provider_id] = _Kept(value=known.value, read_at=known.read_at, tried_at=now)
        return known.value

    def _read_metadata(self, provider: Provider) -> Metadata | str:
        document = self._wire.get(metadata_url(provider.issuer))
        if not document.ok:
            return document.detail
        return read_metadata(document.json, provider, allow_loopback=self._allow_loopback)
