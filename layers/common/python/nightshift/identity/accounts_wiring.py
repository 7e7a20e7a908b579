"""Builds the accounts function: the only one with private keys and password work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from nightshift.adapters.uploads import S3Uploads
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.http.app import App
from nightshift.http.routing import LimitRule, Mounted
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.admin import Users
from nightshift.identity.api import Identity, mounted
from nightshift.identity.arrivals import Arrivals
from nightshift.identity.attempt_store import AttemptStore
from nightshift.identity.attempts import Patience
from nightshift.identity.avatars import Avatars, Limits
from nightshift.identity.ground import Ground
from nightshift.identity.guard import Guard
from nightshift.identity.leaving import AtOnce, Leaver, Purge
from nightshift.identity.leaving_store import LeavingStore
from nightshift.identity.letters import Letters
from nightshift.identity.mailer import Mailer, NoMail
from nightshift.identity.moving import Moving
from nightshift.identity.oidc.door import Pages
from nightshift.identity.oidc.federation import Federation
from nightshift.identity.oidc.settings import OidcSettings
from nightshift.identity.oidc.store import FederatedStore
from nightshift.identity.oidc.wiring import Around, build_desk
from nightshift.identity.passwords import Passwords
from nightshift.identity.preference_store import PreferenceStore
from nightshift.identity.preferences import MailChoices, NoMailChoices, PreferenceService
from nightshift.identity.recovery import Recovery
from nightshift.identity.roles.store import RoleStore
from nightshift.identity.service import Accounts, Farewell, nobody_else
from nightshift.identity.session_store import SessionStore
from nightshift.identity.sessions import Lifetimes, Sessions
from nightshift.identity.settings import AccountSettings, VerifierSettings
from nightshift.identity.sign_in import SignIn, anybody
from nightshift.identity.signing_keys import SigningKeys
from nightshift.identity.token_signer import AccessTokenSigner
from nightshift.identity.trail import AuditTrail, NoTrail
from nightshift.identity.verification import Verification
from nightshift.identity.wiring import build_authenticator, build_store, build_table, build_terms
from nightshift.ports.sender import Sender
from nightshift.ports.uploads import Uploads

DEMO_EMAIL = "demo@example.com"
MAIL_FIRST_DELAY = timedelta(minutes=1)
HOUR_S = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    """What other contexts do for identity; None is a product without them.

    Attributes:
        farewell: what others let go of with a user who is deleted.
        may_register: whether new accounts are taken at the moment.
        leaver: sees to it that what a deleted user leaves is removed; None removes it at once.
        choices: which mails users want.
        uploads: the bucket of pictures; None is the one that the settings name.
        sender: calls sign-in providers; None is the guarded one.
        pages: how a browser that signs in with a provider goes on to pages; None is without.
        more: what else the accounts function serves.
    """

    mailer: Mailer | None = None
    trail: AuditTrail | None = None
    farewell: Farewell = nobody_else
    may_register: Callable[[], bool] = anybody
    leaver: Leaver | None = None
    choices: MailChoices = field(default_factory=NoMailChoices)
    uploads: Uploads | None = None
    sender: Sender | None = None
    pages: Pages | None = None
    more: Sequence[Mounted] = ()


def build_accounts_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    neighbours: Neighbours | None = None,
) -> App:
    """Return the accounts function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    neighbours = neighbours or Neighbours()
    identity = build_identity(environ, outside, neighbours)
    settings = load(AccountSettings, environ)
    limits = {
        "register": settings.register_limit_address,
        "forgot": settings.forgot_limit_address,
        "oidc-start": load(OidcSettings, environ).oidc_start_limit_address,
    }
    return build_app(
        [*mounted(identity), *neighbours.more],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
        rules=[LimitRule(name=n, limit=limit, window_s=HOUR_S) for n, limit in limits.items()],
    )


def build_identity(
    environ: Mapping[str, str], outside: Outside, neighbours: Neighbours
) -> Identity:
    """Return the use cases; the private key is read when the first token is signed.

    Raises:
        SettingsError: a setting is missing or wrong, or two make no sense together.
    """
    shared = load(VerifierSettings, environ)
    settings = load(AccountSettings, environ)
    table = build_table(shared, outside)
    ground = Ground(
        store=build_store(shared, outside),
        sessions=SessionStore(table),
        mailer=neighbours.mailer or NoMail(table),
        trail=neighbours.trail or NoTrail(),
        clock=outside.clock,
        log=outside.log,
        random=outside.random,
    )
    guard = _guard(settings, table, outside)
    passwords = Passwords(
        memory_kib=settings.argon2_memory_kib,
        time_cost=settings.argon2_time,
        parallelism=settings.argon2_parallelism,
    )
    letters = Letters(settings.public_url)
    sessions = _sessions(shared, settings, ground, outside)
    verification = Verification(
        ground=ground,
        guard=guard,
        letters=letters,
        lifetime=timedelta(seconds=settings.verify_link_ttl_s),
        admin_email=settings.admin_email,
    )
    recovery = Recovery(
        ground=ground,
        guard=guard,
        passwords=passwords,
        letters=letters,
        verification=verification,
        lifetime=timedelta(seconds=settings.reset_link_ttl_s),
    )
    avatars = _avatars(settings, ground, neighbours)
    purge = Purge(store=LeavingStore(table), steps=[avatars.forget])
    accounts = Accounts(
        ground=ground,
        farewell=neighbours.farewell,
        leaver=neighbours.leaver or AtOnce(ground.store.commit, purge),
    )
    arrivals = Arrivals(ground=ground, letters=letters)
    federation = Federation(
        ground=ground,
        store=FederatedStore(table),
        sessions=sessions,
        arrivals=arrivals,
        letters=letters,
        verification=verification,
        may_register=neighbours.may_register,
    )
    return Identity(
        sign_in=SignIn(
            ground=ground,
            guard=guard,
            sessions=sessions,
            arrivals=arrivals,
            passwords=passwords,
            verification=verification,
            may_register=neighbours.may_register,
            unverified_admin=_local_admin(settings) if shared.stage == "local" else "",
        ),
        sessions=sessions,
        recovery=recovery,
        verification=verification,
        moving=Moving(ground=ground, guard=guard, recovery=recovery, verification=verification),
        accounts=accounts,
        preferences=PreferenceService(
            ground=ground, store=PreferenceStore(table), choices=neighbours.choices
        ),
        avatars=avatars,
        users=Users(ground=ground, accounts=accounts, allowed=RoleStore(table).permissions_of),
        desk=build_desk(
            environ,
            outside,
            Around(
                ground=ground,
                federation=federation,
                table=table,
                sender=neighbours.sender,
                pages=neighbours.pages,
            ),
        ),
    )


def _avatars(settings: AccountSettings, ground: Ground, neighbours: Neighbours) -> Avatars:
    limits = Limits(
        max_bytes=settings.avatar_max_bytes,
        max_px=settings.avatar_max_px,
        form_ttl_s=settings.avatar_form_ttl_s,
    )
    return Avatars(
        ground=ground,
        uploads=build_uploads(settings.assets_bucket, neighbours.uploads),
        limits=limits,
    )


def build_uploads(bucket: str, given: Uploads | None = None) -> Callable[[], Uploads]:
    """Return what gives the bucket of pictures, made when it is first asked for."""

    @cache
    def uploads() -> Uploads:
        return given or S3Uploads(clients.s3, bucket)

    return uploads


def _sessions(
    shared: VerifierSettings, settings: AccountSettings, ground: Ground, outside: Outside
) -> Sessions:
    keys = SigningKeys(outside.secrets, settings.token_signing_keys_param, outside.clock)
    return Sessions(
        ground=ground,
        signer=AccessTokenSigner(
            key=keys.newest, terms=build_terms(shared), ttl_s=settings.access_token_ttl_s
        ),
        lifetimes=Lifetimes(
            access=timedelta(seconds=settings.access_token_ttl_s),
            refresh=timedelta(seconds=settings.refresh_token_ttl_s),
            grace=timedelta(seconds=settings.refresh_grace_s),
        ),
    )


def _guard(settings: AccountSettings, table: Table, outside: Outside) -> Guard:
    longest = timedelta(seconds=settings.login_max_delay_s)
    return Guard(
        store=AttemptStore(table),
        clock=outside.clock,
        at_account=Patience(free=settings.login_free_attempts, max_delay=longest),
        from_network=Patience(free=settings.login_free_attempts_address, max_delay=longest),
        from_strangers=Patience(free=settings.login_free_attempts_strangers, max_delay=longest),
        mails=Patience(
            free=settings.link_mail_free,
            first_delay=min(MAIL_FIRST_DELAY, longest),
            max_delay=longest,
        ),
    )


def _local_admin(settings: AccountSettings) -> str:
    return settings.admin_email or DEMO_EMAIL
