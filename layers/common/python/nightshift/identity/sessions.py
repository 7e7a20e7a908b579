"""Sessions: begun at sign-in, carried on by refreshing, ended by the user or by a reused token."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.ids import new_id
from nightshift.core.tokens import SECRET_BYTES, RandomBytes, digest
from nightshift.identity.errors import (
    RefreshExpiredError,
    RefreshReusedError,
    RefreshUnknownError,
    SessionNotFoundError,
    TokenRevokedError,
)
from nightshift.identity.model import Session, User
from nightshift.identity.refresh import (
    NONCE_BYTES,
    Presented,
    Repeat,
    Reused,
    Rotate,
    Unknown,
    decide,
    encode,
    parse,
)
from nightshift.identity.store import IdentityStore
from nightshift.identity.token_signer import AccessTokenSigner
from nightshift.observability import Log

MAX_AGENT_CHARS = 256
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """From where somebody signs in: address, and what the program calls itself."""

    address: str
    user_agent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """A usable pair, and the lifetimes of both in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """Of access tokens, refresh tokens and the grace; see `AccountSettings` for their relation."""

    access: timedelta
    refresh: timedelta
    grace: timedelta


class Sessions:
    """Begins, refreshes, lists and ends sessions."""

    def __init__(
        self,
        *,
        store: IdentityStore,
        signer: AccessTokenSigner,
        clock: Clock,
        random: RandomBytes,
        lifetimes: Lifetimes,
        log: Log,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._random = random
        self._lifetimes = lifetimes
        self._log = log

    def prepare(self, user_id: UserId, epoch: int, client: Client) -> tuple[Session, Tokens]:
        """Return a new session, not yet stored, and its first tokens."""
        now = self._now()
        secret = self._random(SECRET_BYTES)
        session = Session(
            session_id=SessionId(new_id(now)),
            user_id=user_id,
            epoch=epoch,
            family_key=self._random(SECRET_BYTES),
            current_hash=digest(secret),
            recent=(),
            user_agent=client.user_agent[:MAX_AGENT_CHARS],
            address=client.address,
            created_at=now,
            last_used_at=now,
            ends_at=now + self._lifetimes.refresh,
        )
        return session, self._tokens(session, secret, now)

    def begin(self, user: User, client: Client) -> Tokens:
        """Store a new session and return its first tokens."""
        session, tokens = self.prepare(user.user_id, user.epoch, client)
        self._store.add_session(session)
        return tokens

    def refresh(self, token: str) -> tuple[User, Tokens]:
        """Use a refresh token for a new pair.

        A token used within the grace before gives the pair that its first use gave.

        Raises:
            RefreshMalformedError: it is no refresh token.
            RefreshWrongTypeError: it is an access token.
            RefreshUnknownError: it was never given out, or its session is long gone.
            TokenRevokedError: its session was ended.
            RefreshExpiredError: it was not used in time.
            RefreshReusedError: it was used before; its session is ended now.
        """
        presented = parse(token)
        found = self._store.find_user_and_session(presented.user_id, presented.session_id)
        if found is None:
            raise RefreshUnknownError
        user, session = found
        for _ in range(_ROUNDS):
            now = self._now()
            decision = self._decide(session, presented, now)
            self._check(user, session, now)
            if isinstance(decision, Repeat):
                return user, self._tokens(session, decision.successor, now)
            if isinstance(decision, Reused):
                self._end_reused(session, now)
                raise RefreshReusedError
            stands = self._store.rotate(session, decision.session)
            if stands == decision.session:
                return user, self._tokens(stands, decision.successor, now)
            session = stands
        raise TokenRevokedError

    def page(
        self, user: User, *, limit: int, after: SessionId | None
    ) -> tuple[list[Session], SessionId | None]:
        """Return up to `limit` live sessions, newest first, and where the next page begins."""
        now = self._clock.now()
        live: Iterator[Session] = (
            s for s in self._store.sessions(user.user_id, after=after) if s.is_live(user, now)
        )
        found = list(islice(live, limit + 1))
        more = len(found) > limit
        return found[:limit], found[limit - 1].session_id if more else None

    def end(self, user_id: UserId, session_id: SessionId) -> None:
        """End one session; ending it again changes nothing.

        Raises:
            SessionNotFoundError: the user has no such session.
        """
        if not self._store.revoke(user_id, session_id, self._now()):
            raise SessionNotFoundError
        self._log.info("session.ended", user_id=user_id, session_id=session_id)

    def end_all(self, user_id: UserId) -> None:
        """End all sessions of a user by one write."""
        self._store.end_all_sessions(user_id)
        self._log.info("session.ended_all", user_id=user_id)

    def _decide(
        self, session: Session, presented: Presented, now: datetime
    ) -> Rotate | Repeat | Reused:
        decision = decide(
            session,
            presented,
            now=now,
            grace=self._lifetimes.grace,
            lifetime=self._lifetimes.refresh,
            nonce=self._random(NONCE_BYTES),
        )
        if isinstance(decision, Unknown):
            raise RefreshUnknownError
        return decision

    @staticmethod
    def _check(user: User, session: Session, now: datetime) -> None:
        if session.ends_at <= now:
            raise RefreshExpiredError
        if not session.is_live(user, now):
            raise TokenRevokedError

    def _end_reused(self, session: Session, now: datetime) -> None:
        self._store.revoke(session.user_id, session.session_id, now)
        self._log.warning(
            "session.reuse_detected", user_id=session.user_id, session_id=session.session_id
        )

    def _tokens(self, session: Session, secret: bytes, now: datetime) -> Tokens:
        return Tokens(
            access_token=self._signer.sign(session.user_id, session.session_id, now),
            expires_in=int(self._lifetimes.access.total_seconds()),
            refresh_token=encode(session, secret),
            refresh_expires_in=max(0, int((session.ends_at - now).total_seconds())),
        )

    def _now(self) -> datetime:
        return from_ms(to_ms(self._clock.now()))
