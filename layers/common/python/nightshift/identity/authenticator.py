"""Who stands behind an access token, as the session stands at this moment."""

from nightshift.core.access import Caller, permissions_of
from nightshift.core.clock import Clock
from nightshift.identity.access_tokens import AccessTokenVerifier
from nightshift.identity.errors import TokenRevokedError
from nightshift.identity.store import IdentityStore


class SessionAuthenticator:
    """Verifies a token with public keys, then reads its session and user in one consistent read."""

    def __init__(
        self, *, verifier: AccessTokenVerifier, store: IdentityStore, clock: Clock
    ) -> None:
        self._verifier = verifier
        self._store = store
        self._clock = clock

    def authenticate(self, token: str) -> Caller:
        """Return the caller.

        Raises:
            TokenError: one subclass for each way to be wrong.
            TokenRevokedError: the session was ended, or the account is gone or disabled.
        """
        claims = self._verifier.verify(token)
        found = self._store.find_user_and_session(claims.user_id, claims.session_id)
        if found is None or not found[1].is_live(found[0], self._clock.now()):
            raise TokenRevokedError
        user = found[0]
        return Caller(
            user_id=user.user_id,
            session_id=claims.session_id,
            role=user.role,
            permissions=permissions_of(user.role),
        )
