"""Who comes in by a provider: a user who came before, a new one, or one who had an account.

An identity is its issuer and subject, nothing else: whoever has been here once is known by them,
whatever address the provider names today. An address links the two only when both sides have
verified it: an account whose address nobody proved may be a trap that a stranger laid there. And
what a stranger linked to such an account before its address's owner took it over is no way in.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nightshift.aws.dynamo import ConditionFailedError, TransactPart
from nightshift.core.access import Role, RoleName, UserId
from nightshift.core.errors import ConflictError
from nightshift.identity.arrivals import Arrivals
from nightshift.identity.errors import (
    AccountDisabledError,
    EmailTakenError,
    RegistrationClosedError,
)
from nightshift.identity.ground import Ground
from nightshift.identity.letters import Letters
from nightshift.identity.model import Client, User
from nightshift.identity.oidc.errors import AccountUnverifiedError, EmailUnverifiedError
from nightshift.identity.oidc.linking import changed
from nightshift.identity.oidc.model import Identity, Provider
from nightshift.identity.oidc.store import FederatedStore
from nightshift.identity.schemas import MAX_NAME_CHARS, check_email
from nightshift.identity.sessions import Sessions, Tokens
from nightshift.identity.trail import DENIED, SUCCESS
from nightshift.identity.verification import Verification

NO_PASSWORD = ""
"""No password verifies against it; one is set by the mailed link for forgotten ones."""
_ROUNDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Visit:
    """Somebody at the door; `former` is whose the identity is by the table, not really."""

    identity: Identity
    provider: Provider
    client: Client
    former: UserId | None


class Federation:
    """Begins sessions of those whom a provider vouches for."""

    def __init__(
        self,
        *,
        ground: Ground,
        store: FederatedStore,
        sessions: Sessions,
        arrivals: Arrivals,
        letters: Letters,
        verification: Verification,
        may_register: Callable[[], bool],
    ) -> None:
        self._ground = ground
        self._store = store
        self._sessions = sessions
        self._arrivals = arrivals
        self._letters = letters
        self._verification = verification
        self._may_register = may_register

    def arrive(
        self, identity: Identity, provider: Provider, *, user_id: str, client: Client
    ) -> tuple[User, Tokens]:
        """Sign in the user that this identity belongs to; `user_id` is for a new one.

        Raises:
            AccountDisabledError: the account is disabled.
            EmailUnverifiedError: a new identity without an address that its provider verified.
            AccountUnverifiedError: the account of that address has not verified it.
            EmailTakenError: it has an account, and this provider's word does not link.
            RegistrationClosedError: there is none, and no new accounts are taken.
            ConflictError: others changed the account at the same moments.
        """
        for _ in range(_ROUNDS):
            holder = self._store.find_holder(identity)
            user = self._ground.store.find_user(holder.user_id) if holder else None
            former = holder.user_id if holder else None
            visit = _Visit(identity=identity, provider=provider, client=client, former=former)
            if user is not None and holder is not None and holder.epoch >= user.owned_epoch:
                return self._entered(user, visit)
            before = self._ground.store.find_user_by_email(_email_of(identity))
            if before is None:
                made = self._registered(visit, UserId(user_id))
                if made is not None:
                    return made
            elif (after := self._linked(before, visit)) is not None:
                return self._entered(after, visit)
        raise ConflictError

    def _linked(self, before: User, visit: _Visit) -> User | None:
        """Link the account of the identity's address; None when others changed it meanwhile."""
        if not visit.provider.links_by_email:
            raise EmailTakenError
        if not before.email_verified:
            raise AccountUnverifiedError
        if before.disabled:
            raise self._denied(before, visit)
        after = changed(self._ground, before)
        try:
            parts = self._link_parts(after, visit)
            if not self._ground.store.change_user(before, after, also=parts):
                return None
        except ConditionFailedError:
            return None
        self._ground.log.info(
            "oidc.linked", user_id=after.user_id, provider=visit.provider.provider_id
        )
        self._note("auth.oidc_link", after, visit)
        return after

    def _registered(self, visit: _Visit, user_id: UserId) -> tuple[User, Tokens] | None:
        """Make an account; None when somebody else was faster."""
        if not self._may_register():
            raise RegistrationClosedError
        user, client = self._new_user(visit, user_id), visit.client
        session, tokens = self._sessions.prepare(user.user_id, user.epoch, client)
        link, letter = None, self._letters.welcome(user, client)
        if not user.email_verified:
            link, letter = self._verification.invite(user, user.email, client)
        try:
            user = self._ground.store.add_user(
                user,
                session,
                link=link,
                device=self._arrivals.device(user.user_id, client),
                commit=self._ground.posting(letter),
                also=self._link_parts(user, visit),
            )
        except EmailTakenError:
            return None
        self._ground.log.info(
            "user.registered", user_id=user.user_id, session_id=session.session_id
        )
        self._note("auth.register", user, visit)
        return user, tokens

    def _new_user(self, visit: _Visit, user_id: UserId) -> User:
        now = self._ground.now()
        email = _email_of(visit.identity)
        user = User(
            user_id=user_id,
            email=email,
            name=_name_of(visit.identity, email),
            roles=(RoleName(Role.MEMBER),),
            password_hash=NO_PASSWORD,
            email_verified=visit.provider.links_by_email,
            disabled=False,
            epoch=0,
            version=1,
            created_at=now,
            updated_at=now,
        )
        return self._verification.promoted(user)

    def _link_parts(self, user: User, visit: _Visit) -> list[TransactPart]:
        provider_id = visit.provider.provider_id
        return self._store.link_parts(
            visit.identity, user, provider_id=provider_id, former=visit.former
        )

    def _entered(self, user: User, visit: _Visit) -> tuple[User, Tokens]:
        if user.disabled:
            raise self._denied(user, visit)
        session, tokens = self._sessions.prepare(user.user_id, user.epoch, visit.client)
        self._arrivals.begin(user, session, visit.client)
        provider_id = visit.provider.provider_id
        self._ground.log.info("login.succeeded", user_id=user.user_id, provider=provider_id)
        self._note("auth.login", user, visit)
        return user, tokens

    def _denied(self, user: User, visit: _Visit) -> AccountDisabledError:
        self._note("auth.login", user, visit, outcome=DENIED)
        return AccountDisabledError()

    def _note(self, action: str, user: User, visit: _Visit, outcome: str = SUCCESS) -> None:
        self._ground.note(
            action,
            client=visit.client,
            actor_id=user.user_id,
            outcome=outcome,
            detail={"provider": visit.provider.provider_id},
        )


def _email_of(identity: Identity) -> str:
    """Return the address that the provider verified.

    Raises:
        EmailUnverifiedError: there is none, or it is none that an account could have.
    """
    if not identity.email_verified:
        raise EmailUnverifiedError
    try:
        return check_email(identity.email)
    except ValueError as error:
        raise EmailUnverifiedError from error


def _name_of(identity: Identity, email: str) -> str:
    name = "".join(c for c in identity.name if c.isprintable()).strip()
    return name[:MAX_NAME_CHARS].strip() or email.partition("@")[0][:MAX_NAME_CHARS]
