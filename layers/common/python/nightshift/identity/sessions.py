"""Sessions: begun at sign-in, carried on by refreshing, ended by the user or by a reused token."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from nightshift.core.access import SessionId, UserId
from nightshift.core.errors import ConflictError
from nightshift.core.ids import new_id
from nightshift.core.tokens import SECRET_BYTES, digest
from nightshift.identity.errors import (
    RefreshExpiredError,
    RefreshReusedError,
    RefreshUnknownError,
    SessionNotFoundError,
    TokenRevokedError,
    UserNotFoundError,
)
from nightshift.identity.ground import Ground
from nightshift.identity.model import Actor, Client, Session, User
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
from nightshift.identity.token_signer import AccessTokenSigner
from nightshift.identity.trail import DENIED, session_subject, user_subject

MAX_AGENT_CHARS = 256
CHANGE_BYTES = 16
_ROUNDS = 5


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
        ground: Ground,
        signer: AccessTokenSigner,
        lifetimes: Lifetimes,
    ) -> None:
        self._ground = ground
        self._store = ground.sessions
        self._signer = signer
        self._lifetimes = lifetimes

    def prepare(self, user_id: UserId, epoch: int, client: Client) -> tuple[Session, Tokens]:
        """Return a new session, not yet stored, and its first tokens."""
        now = self._ground.now()
        secret = self._ground.random(SECRET_BYTES)
        session = Session(
            session_id=SessionId(new_id(now)),
            user_id=user_id,
            epoch=epoch,
            family_key=self._ground.random(SECRET_BYTES),
            current_hash=digest(secret),
            recent=(),
            user_agent=client.user_agent[:MAX_AGENT_CHARS],
            address=client.address,
            created_at=now,
            last_used_at=now,
            ends_at=now + self._lifetimes.refresh,
        )
        return session, self._tokens(session, secret, now)

    def refresh(self, token: str, client: Client) -> tuple[User, Tokens]:
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
        for _ in range(_ROUNDS):
            found = self._store.find_user_and_session(presented.user_id, presented.session_id)
            if found is None:
                raise RefreshUnknownError
            user, session = found
            now = self._ground.now()
            decision = self._decide(session, presented, now)
            self._check(user, session, now)
            if isinstance(decision, Repeat):
                return user, self._tokens(session, decision.successor, now)
            if isinstance(decision, Reused):
                self._end_reused(session, client, now)
                raise RefreshReusedError
            stands = self._store.rotate(session, decision.session)
            if stands == decision.session:
                return user, self._tokens(stands, decision.successor, now)
        raise TokenRevokedError

    def page(
        self, user_id: UserId, *, limit: int, after: SessionId | None
    ) -> tuple[list[Session], SessionId | None]:
        """Return up to `limit` live sessions, newest first, and where the next page begins.

        Raises:
            UserNotFoundError: the account is gone.
        """
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        now = self._ground.clock.now()
        live: Iterator[Session] = (
            s for s in self._store.sessions(user.user_id, after=after) if s.is_live(user, now)
        )
        found = list(islice(live, limit + 1))
        more = len(found) > limit
        return found[:limit], found[limit - 1].session_id if more else None

    def end(self, actor: Actor, session_id: SessionId) -> None:
        """End one session of the actor; ending it again changes nothing.

        Raises:
            SessionNotFoundError: the user has no such session.
        """
        if not self._store.revoke(actor.user_id, session_id, self._ground.now()):
            raise SessionNotFoundError
        self._ground.log.info("session.ended", user_id=actor.user_id, session_id=session_id)
        self._ground.note(
            "auth.logout" if session_id == actor.session_id else "session.end",
            client=actor.client,
            actor_id=actor.user_id,
            subject=session_subject(session_id),
        )

    def end_all(self, actor: Actor) -> None:
        """End all sessions of the actor by one write."""
        self._store.end_all_sessions(actor.user_id)
        self._ground.log.info("session.ended_all", user_id=actor.user_id)
        self._ground.note("auth.logout_all", client=actor.client, actor_id=actor.user_id)

    def end_others(self, actor: Actor, staying: SessionId) -> None:
        """End all sessions of the actor but `staying`, by one write.

        Raises:
            SessionNotFoundError: `staying` has ended itself, or the account is gone.
            ConflictError: others changed the user at the same moments.
        """
        for _ in range(_ROUNDS):
            found = self._store.find_user_and_session(actor.user_id, staying)
            if found is None or not found[1].is_live(found[0], self._ground.now()):
                raise SessionNotFoundError
            before = found[0]
            token = self._ground.random(CHANGE_BYTES).hex()
            after = replace(before, epoch=before.epoch + 1, change=token)
            if self._ground.store.change_user(before, after, staying=staying):
                self._ground.log.info("session.ended_others", user_id=actor.user_id)
                self._ground.note("session.end_others", client=actor.client, actor_id=actor.user_id)
                return
        raise ConflictError

    def _decide(
        self, session: Session, presented: Presented, now: datetime
    ) -> Rotate | Repeat | Reused:
        decision = decide(
            session,
            presented,
            now=now,
            grace=self._lifetimes.grace,
            lifetime=self._lifetimes.refresh,
            nonce=self._ground.random(NONCE_BYTES),
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

    def _end_reused(self, session: Session, client: Client, now: datetime) -> None:
        self._store.revoke(session.user_id, session.session_id, now)
        self._ground.log.warning(
            "session.reuse_detected", user_id=session.user_id, session_id=session.session_id
        )
        self._ground.note(
            "auth.refresh_reuse",
            client=client,
            actor_id=None,
            subject=user_subject(session.user_id),
            outcome=DENIED,
            detail={"session_id": session.session_id},
        )

    def _tokens(self, session: Session, secret: bytes, now: datetime) -> Tokens:
        return Tokens(
            access_token=self._signer.sign(session.user_id, session.session_id, now),
            expires_in=int(self._lifetimes.access.total_seconds()),
            refresh_token=encode(session, secret),
            refresh_expires_in=max(0, int((session.ends_at - now).total_seconds())),
        )
