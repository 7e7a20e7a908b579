"""Who stands behind a bearer token, as the session or the API key stands at this moment."""

from nightshift.core.access import Caller
from nightshift.core.clock import Clock
from nightshift.identity.access_tokens import AccessTokenVerifier
from nightshift.identity.api_keys.errors import (
    ApiKeyOwnerError,
    ApiKeyRevokedError,
    ApiKeyUnknownError,
)
from nightshift.identity.api_keys.model import ApiKey
from nightshift.identity.api_keys.secret import PREFIX, hash_of
from nightshift.identity.api_keys.store import LAST_USE_EVERY, ApiKeyStore
from nightshift.identity.errors import TokenRevokedError
from nightshift.identity.standing import StandingStore
from nightshift.observability import Log


class BearerAuthenticator:
    """Verifies an access token or an API key, then reads how its user stands in one read."""

    def __init__(
        self,
        *,
        verifier: AccessTokenVerifier,
        standing: StandingStore,
        api_keys: ApiKeyStore,
        clock: Clock,
        log: Log,
    ) -> None:
        self._verifier = verifier
        self._standing = standing
        self._api_keys = api_keys
        self._clock = clock
        self._log = log

    def authenticate(self, token: str, *, address: str) -> Caller:
        """Return the caller.

        Raises:
            TokenError: one subclass for each way to be wrong.
            TokenRevokedError: the session was ended, or the account is gone or disabled.
            ApiKeyError: one subclass for each way in which a key can be wrong.
        """
        if token.startswith(PREFIX):
            return self._by_key(token, address)
        return self._by_session(token, address)

    def _by_session(self, token: str, address: str) -> Caller:
        claims = self._verifier.verify(token)
        found = self._standing.of_session(claims.user_id, claims.session_id)
        if found is None or not found.session.is_live(found.user, self._clock.now()):
            raise TokenRevokedError
        return Caller(
            user_id=found.user.user_id,
            session=claims.session_id,
            roles=found.user.roles,
            permissions=found.permissions,
            email_verified=found.user.email_verified,
            address=address,
            epoch=found.user.epoch,
        )

    def _by_key(self, token: str, address: str) -> Caller:
        secret_hash = hash_of(token)
        found = self._standing.of_key(secret_hash)
        if found is None:
            raise ApiKeyUnknownError
        self._log.bind(api_key_id=found.key.key_id)
        found.key.check(secret_hash, address=address, now=self._clock.now())
        if found.user is None or found.user.disabled:
            raise ApiKeyOwnerError
        if found.key.epoch < found.user.owned_epoch:
            raise ApiKeyRevokedError
        self._note_use(found.key)
        return Caller(
            user_id=found.user.user_id,
            api_key=found.key.key_id,
            roles=found.user.roles,
            permissions=found.key.permissions(found.permissions),
            email_verified=found.user.email_verified,
            address=address,
        )

    def _note_use(self, key: ApiKey) -> None:
        """Keep when the key was used, to the hour; a table that does not take it stops nobody."""
        now = self._clock.now()
        if key.last_used_at is not None and key.last_used_at > now - LAST_USE_EVERY:
            return
        try:
            self._api_keys.touch(key, now)
        except Exception:  # noqa: BLE001 - a note that is lost is no reason to refuse the request
            self._log.failure("api_key.use_not_noted", api_key_id=key.key_id)
