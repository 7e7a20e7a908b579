"""API keys: a user makes, changes, rotates and revokes the own ones.

Each change is written with its audit event or not at all. What a key may do is its scopes within
what its owner may at the moment of each request: a role that is taken away is taken from the keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from nightshift.audit.service import Audit
from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import NEVER_FOR_KEYS, ApiKeyId, Caller, Permission, UserId
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.errors import ConflictError, FieldError, PreconditionFailedError
from nightshift.core.tokens import RandomBytes
from nightshift.identity.api_keys.errors import (
    ApiKeyLifetimeError,
    ApiKeyNotFoundError,
    ApiKeyScopeError,
)
from nightshift.identity.api_keys.model import ApiKey
from nightshift.identity.api_keys.secret import SHOWN_CHARS, hash_of, new_secret
from nightshift.identity.api_keys.store import ApiKeyStore
from nightshift.identity.roles.service import check_held
from nightshift.settings.reader import ServerSettingsReader


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a user wants of a key."""

    name: str
    scopes: frozenset[Permission]
    cidrs: tuple[str, ...]
    expires_at: datetime | None


class ApiKeys:
    """The keys of their owners. Permissions are checked before, at the edge."""

    def __init__(
        self,
        *,
        store: ApiKeyStore,
        audit: Audit,
        settings: ServerSettingsReader,
        clock: Clock,
        random: RandomBytes,
        limit: int,
    ) -> None:
        """Take what the use cases stand on; `limit` is how many keys one user may have."""
        self._store = store
        self._audit = audit
        self._settings = settings
        self._clock = clock
        self._random = random
        self._limit = limit

    def create(self, by: Caller, wish: Wish, *, key_id: ApiKeyId) -> tuple[ApiKey, str]:
        """Make a key and return it with its secret, which nobody will see again.

        `key_id` is the same again when the request is run again: then the key that the first
        attempt made gets a new secret, since nobody has seen its own.

        Raises:
            ApiKeyScopeError: a scope is none that keys can have.
            PermissionNotHeldError: a scope goes beyond the caller.
            ApiKeyLifetimeError: it would expire too early or too late.
            ApiKeyLimitError: the caller has too many keys.
            ConflictError: the key of the first attempt was changed meanwhile.
        """
        now = self._now()
        self._check(by, wish, now)
        secret = new_secret(self._random)
        key = ApiKey(
            key_id=key_id,
            owner_id=by.user_id,
            name=wish.name,
            shown=secret[:SHOWN_CHARS],
            origin=key_id,
            secret_hash=hash_of(secret),
            scopes=wish.scopes,
            cidrs=wish.cidrs,
            expires_at=wish.expires_at,
            version=1,
            created_at=now,
            updated_at=now,
            epoch=by.epoch,
        )
        event = self._event("api_key.created", by, key)
        found = self._store.add(key, limit=self._limit, also=event)
        if found is None:
            return key, secret
        again = replace(found, shown=key.shown, secret_hash=key.secret_hash)
        event = self._event("api_key.made_again", by, key)
        if found.revoked_at is not None or not self._store.change(found, again, also=event):
            raise ConflictError
        return again, secret

    def page(
        self, owner_id: UserId, *, after: ApiKeyId | None, limit: int
    ) -> tuple[list[ApiKey], ApiKeyId | None]:
        """Return up to `limit` keys that are not revoked, newest first, and where to go on."""
        kept = (key for key in self._store.all(owner_id, after=after) if key.revoked_at is None)
        found = list(islice(kept, limit + 1))
        return found[:limit], found[limit - 1].key_id if len(found) > limit else None

    def get(self, owner_id: UserId, key_id: ApiKeyId) -> ApiKey:
        """Return the owner's key.

        Raises:
            ApiKeyNotFoundError: there is none, or it was revoked.
        """
        key = self._store.find(owner_id, key_id)
        if key is None or key.revoked_at is not None:
            raise ApiKeyNotFoundError
        return key

    def change(
        self, by: Caller, key_id: ApiKeyId, wish: Wish, *, expected_version: int | None
    ) -> ApiKey:
        """Change name, scopes, networks and expiry to what is wished.

        Raises:
            ApiKeyNotFoundError, PreconditionFailedError, ConflictError, and as `create`.
        """
        before = self._expect(by, key_id, expected_version)
        after = replace(
            before,
            name=wish.name,
            scopes=wish.scopes,
            cidrs=wish.cidrs,
            expires_at=wish.expires_at,
        )
        if after == before:
            return before
        now = self._now()
        added = replace(wish, scopes=wish.scopes - before.scopes)
        self._check(by, added, now, is_kept=wish.expires_at == before.expires_at)
        after = replace(after, version=before.version + 1, updated_at=now)
        event = self._event("api_key.changed", by, after)
        if not self._store.change(before, after, also=event):
            raise ConflictError
        return after

    def rotate(
        self,
        by: Caller,
        key_id: ApiKeyId,
        *,
        origin: str,
        grace: timedelta,
        expected_version: int | None,
    ) -> tuple[ApiKey, str]:
        """Give the key a new secret; the present one still works for `grace`, one before it not.

        `origin` is the same again when the request is run again: then only the secret of the first
        attempt, which nobody has seen, is replaced, and the grace of the one before stays.

        Raises:
            ApiKeyNotFoundError, PreconditionFailedError, ConflictError.
        """
        before = self.get(by.user_id, key_id)
        is_again = before.origin == origin
        if not is_again:
            _check_version(before, expected_version)
        now = self._now()
        secret = new_secret(self._random)
        after = replace(
            before,
            shown=secret[:SHOWN_CHARS],
            secret_hash=hash_of(secret),
            version=before.version + 1,
            updated_at=now,
        )
        if not is_again:
            after = replace(
                after,
                origin=origin,
                rotated_at=now,
                old_hash=before.secret_hash,
                old_until=now + grace,
            )
        event = self._event("api_key.rotated", by, after)
        if not self._store.change(before, after, also=event):
            raise ConflictError
        return after, secret

    def revoke(self, by: Caller, key_id: ApiKeyId, *, expected_version: int | None) -> None:
        """End a key for good, its old secret too; the next request with it is refused.

        Raises:
            ApiKeyNotFoundError, PreconditionFailedError, ConflictError.
        """
        before = self._expect(by, key_id, expected_version)
        now = self._now()
        after = replace(before, version=before.version + 1, updated_at=now, revoked_at=now)
        event = self._event("api_key.revoked", by, after)
        if not self._store.revoke(before, after, also=event):
            raise ConflictError

    def forget_all(self, owner_id: UserId) -> None:
        """Remove all keys of a user whose account is gone; they are refused already."""
        self._store.forget_all(owner_id)

    def _expect(self, by: Caller, key_id: ApiKeyId, version: int | None) -> ApiKey:
        key = self.get(by.user_id, key_id)
        _check_version(key, version)
        return key

    def _check(self, by: Caller, wish: Wish, now: datetime, *, is_kept: bool = False) -> None:
        """Judge scopes, and the expiry unless it `is_kept` as it was."""
        _check_scopes(wish.scopes)
        check_held(by, wish.scopes)
        if is_kept:
            return
        if wish.expires_at is not None and wish.expires_at <= now:
            _refuse_lifetime("This time is over; name one to come.")
        most = self._settings.server().api_key_max_days
        if most is None:
            return
        if wish.expires_at is None or wish.expires_at > now + timedelta(days=most):
            _refuse_lifetime(f"API keys live {most} days at most here; name an earlier time.")

    def _event(self, action: str, by: Caller, key: ApiKey) -> Sequence[TransactPart]:
        return self._audit.parts(
            action,
            actor_id=by.user_id,
            subject=f"api_key:{key.key_id}",
            address=by.address,
            detail={"name": key.name, "scopes": sorted(key.scopes), "cidrs": list(key.cidrs)},
        )

    def _now(self) -> datetime:
        return from_ms(to_ms(self._clock.now()))


def _check_scopes(scopes: Iterable[Permission]) -> None:
    never = sorted(set(scopes) & NEVER_FOR_KEYS)
    if never:
        message = f"This takes a sign-in and is no scope of keys: {', '.join(never)}."
        raise ApiKeyScopeError(message, errors=[FieldError(field="scopes", message=message)])


def _check_version(key: ApiKey, expected: int | None) -> None:
    if expected not in {None, key.version}:
        raise PreconditionFailedError


def _refuse_lifetime(message: str) -> None:
    raise ApiKeyLifetimeError(message, errors=[FieldError(field="expires_at", message=message)])
