"""The ways in that a signed-in user has: listing, adding and removing them.

An identity is added by whoever has signed in here lately, and has just signed in there, in one
browser; both sides must have verified their address, which need not be the same one. Removing ends
the user's other sessions: one of them may be whom the identity is taken from.

How many there are is decided under the user's version, which every change of them raises: of two
removals at once the second looks again, and finds that its identity is the last way in.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from nightshift.aws.dynamo import ConditionFailedError
from nightshift.core.access import SessionId, UserId
from nightshift.core.errors import ConflictError
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.model import Actor, Client, User
from nightshift.identity.oidc.errors import (
    EmailUnverifiedError,
    IdentityNotFoundError,
    IdentityTakenError,
    LastWayInError,
    LinkUnverifiedError,
    SignInAgainError,
    TooManyIdentitiesError,
)
from nightshift.identity.oidc.model import Errand, Identity, Linked, Provider
from nightshift.identity.oidc.store import FederatedStore

MAX_IDENTITIES = 20
CHANGE_BYTES = 16
_ROUNDS = 5


def changed(ground: Ground, user: User) -> User:
    """Return the user after a change of identities, which knows itself again by its token."""
    return replace(
        user,
        version=user.version + 1,
        updated_at=ground.now(),
        change=ground.random(CHANGE_BYTES).hex(),
    )


class Linking:
    """Adds and removes identities; `fresh_for` is how long after a sign-in that may be done."""

    def __init__(
        self,
        *,
        ground: Ground,
        store: FederatedStore,
        providers: Mapping[str, Provider],
        fresh_for: timedelta,
    ) -> None:
        self._ground = ground
        self._store = store
        self._providers = providers
        self._fresh_for = fresh_for

    def ways_in(self, user_id: UserId) -> tuple[User, list[Linked]]:
        """Return the user and the identities that count, oldest first.

        Raises:
            UserNotFoundError: the account is gone.
        """
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user, self._identities(user)

    def check_may_link(self, user_id: UserId, session_id: SessionId) -> User:
        """Return the user if this session may link an identity at this moment.

        Raises:
            SignInAgainError: the session is too old, or over.
            LinkUnverifiedError: the account's address is not verified.
        """
        user = self._freshly_here(user_id, session_id)
        if not user.email_verified:
            raise LinkUnverifiedError
        return user

    def link(self, errand: Errand, identity: Identity, provider: Provider, client: Client) -> User:
        """Make an identity a way in of whom the errand names; doing it again changes nothing.

        Raises:
            SignInAgainError, LinkUnverifiedError: as `check_may_link` says.
            EmailUnverifiedError: the provider has not verified an address.
            IdentityTakenError: it is the way in to another account.
            TooManyIdentitiesError: the account has as many as it can have.
            ConflictError: others changed the account at the same moments.
        """
        user_id, session_id = UserId(errand.user_id), SessionId(errand.session_id)
        for _ in range(_ROUNDS):
            before = self.check_may_link(user_id, session_id)
            if not identity.email_verified:
                raise EmailUnverifiedError
            former = self._former(identity, before)
            if former == before.user_id:
                return before
            if len(self._identities(before)) >= MAX_IDENTITIES:
                raise TooManyIdentitiesError
            after = changed(self._ground, before)
            parts = self._store.link_parts(
                identity, after, provider_id=provider.provider_id, former=former
            )
            try:
                is_done = self._ground.store.change_user(before, after, also=parts)
            except ConditionFailedError:
                continue
            if is_done:
                self._note("oidc.linked", "auth.oidc_link", after, provider.provider_id, client)
                return after
        raise ConflictError

    def unlink(self, actor: Actor, session_id: SessionId, link_id: str) -> None:
        """Take a way in away; the user's other sessions end.

        Raises:
            SignInAgainError: the session is too old, or over.
            IdentityNotFoundError: the user has no such identity.
            LastWayInError: there would be no way to sign in left.
            ConflictError: others changed the account at the same moments.
        """
        for _ in range(_ROUNDS):
            before = self._freshly_here(actor.user_id, session_id)
            found = self._identities(before)
            chosen = next((one for one in found if one.link_id == link_id), None)
            if chosen is None:
                raise IdentityNotFoundError
            if not before.password_hash and not self._usable(found, but=chosen):
                raise LastWayInError
            after = replace(changed(self._ground, before), epoch=before.epoch + 1)
            parts = self._store.unlink_parts(actor.user_id, chosen)
            try:
                is_done = self._ground.store.change_user(
                    before, after, also=parts, staying=session_id
                )
            except ConditionFailedError:
                continue
            if is_done:
                self._note(
                    "oidc.unlinked", "auth.oidc_unlink", after, chosen.provider_id, actor.client
                )
                return
        raise ConflictError

    def _identities(self, user: User) -> list[Linked]:
        found = [one for one in self._store.linked(user.user_id) if one.epoch >= user.owned_epoch]
        return sorted(found, key=lambda one: (one.linked_at, one.link_id))

    def _freshly_here(self, user_id: UserId, session_id: SessionId) -> User:
        found = self._ground.sessions.find_user_and_session(user_id, session_id)
        now = self._ground.now()
        if found is None or not found[1].is_live(found[0], now):
            raise SignInAgainError
        if now - found[1].created_at >= self._fresh_for:
            raise SignInAgainError
        return found[0]

    def _former(self, identity: Identity, user: User) -> UserId | None:
        """Return whose the identity is by the table: the user's own, or nobody's who counts.

        Raises:
            IdentityTakenError: it is somebody else's.
        """
        holder = self._store.find_holder(identity)
        if holder is None:
            return None
        if holder.user_id == user.user_id:
            return user.user_id if holder.epoch >= user.owned_epoch else None
        other = self._ground.store.find_user(holder.user_id)
        if other is not None and holder.epoch >= other.owned_epoch:
            raise IdentityTakenError
        return holder.user_id

    def _usable(self, found: Collection[Linked], *, but: Linked) -> bool:
        """Tell whether a way in is left that a configured provider opens."""
        issuers = {provider.issuer for provider in self._providers.values()}
        return any(one is not but and one.issuer in issuers for one in found)

    def _note(self, done: str, act: str, user: User, provider_id: str, client: Client) -> None:
        self._ground.log.info(done, user_id=user.user_id, provider=provider_id)
        self._ground.note(
            act, client=client, actor_id=user.user_id, detail={"provider": provider_id}
        )
