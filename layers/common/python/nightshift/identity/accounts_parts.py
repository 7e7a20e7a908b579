"""The parts of the accounts function, each made once, when the first other part needs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property

from nightshift.adapters.uploads import S3Uploads
from nightshift.aws import clients
from nightshift.core.environment import load
from nightshift.http.routing import Mounted
from nightshift.http.wiring import Outside
from nightshift.identity.admin import Users
from nightshift.identity.api import Identity
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
from nightshift.identity.oidc.desk import Desk
from nightshift.identity.oidc.door import Pages
from nightshift.identity.oidc.federation import Federation
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
from nightshift.identity.wiring import build_store, build_table, build_terms
from nightshift.ports.sender import Sender
from nightshift.ports.uploads import Uploads

DEMO_EMAIL = "demo@example.com"
MAIL_FIRST_DELAY = timedelta(minutes=1)


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


class Parts:
    """Puts the use cases together; `neighbours` is what other contexts do for them."""

    def __init__(
        self, environ: Mapping[str, str], outside: Outside, neighbours: Neighbours
    ) -> None:
        """Read the settings.

        Raises:
            SettingsError: a setting is missing or wrong, or two make no sense together.
        """
        self._environ = environ
        self._outside = outside
        self._neighbours = neighbours
        self._shared = load(VerifierSettings, environ)
        self._settings = load(AccountSettings, environ)
        self._table = build_table(self._shared, outside)
        self._letters = Letters(self._settings.public_url)

    @cached_property
    def identity(self) -> Identity:
        """All use cases behind the routes."""
        return Identity(
            sign_in=self._sign_in,
            sessions=self._sessions,
            recovery=self._recovery,
            verification=self._verification,
            moving=Moving(
                ground=self._ground,
                guard=self._guard,
                recovery=self._recovery,
                verification=self._verification,
            ),
            accounts=self._accounts,
            preferences=PreferenceService(
                ground=self._ground,
                store=PreferenceStore(self._table),
                choices=self._neighbours.choices,
            ),
            avatars=self._avatars,
            users=Users(
                ground=self._ground,
                accounts=self._accounts,
                allowed=RoleStore(self._table).permissions_of,
            ),
            desk=self._desk,
        )

    @cached_property
    def signing_keys(self) -> SigningKeys:
        """The private keys of access tokens."""
        return SigningKeys(
            self._outside.secrets, self._settings.token_signing_keys_param, self._outside.clock
        )

    @cached_property
    def _ground(self) -> Ground:
        return Ground(
            store=build_store(self._shared, self._outside),
            sessions=SessionStore(self._table),
            mailer=self._neighbours.mailer or NoMail(self._table),
            trail=self._neighbours.trail or NoTrail(),
            clock=self._outside.clock,
            log=self._outside.log,
            random=self._outside.random,
        )

    @cached_property
    def _guard(self) -> Guard:
        said = self._settings
        longest = timedelta(seconds=said.login_max_delay_s)
        return Guard(
            store=AttemptStore(self._table),
            clock=self._outside.clock,
            at_account=Patience(free=said.login_free_attempts, max_delay=longest),
            from_network=Patience(free=said.login_free_attempts_address, max_delay=longest),
            from_strangers=Patience(free=said.login_free_attempts_strangers, max_delay=longest),
            mails=Patience(
                free=said.link_mail_free,
                first_delay=min(MAIL_FIRST_DELAY, longest),
                max_delay=longest,
            ),
        )

    @cached_property
    def _passwords(self) -> Passwords:
        return Passwords(
            memory_kib=self._settings.argon2_memory_kib,
            time_cost=self._settings.argon2_time,
            parallelism=self._settings.argon2_parallelism,
        )

    @cached_property
    def _sessions(self) -> Sessions:
        said = self._settings
        return Sessions(
            ground=self._ground,
            signer=AccessTokenSigner(
                key=self.signing_keys.newest,
                terms=build_terms(self._shared),
                ttl_s=said.access_token_ttl_s,
            ),
            lifetimes=Lifetimes(
                access=timedelta(seconds=said.access_token_ttl_s),
                refresh=timedelta(seconds=said.refresh_token_ttl_s),
                grace=timedelta(seconds=said.refresh_grace_s),
            ),
        )

    @cached_property
    def _verification(self) -> Verification:
        return Verification(
            ground=self._ground,
            guard=self._guard,
            letters=self._letters,
            lifetime=timedelta(seconds=self._settings.verify_link_ttl_s),
            admin_email=self._settings.admin_email,
        )

    @cached_property
    def _recovery(self) -> Recovery:
        return Recovery(
            ground=self._ground,
            guard=self._guard,
            passwords=self._passwords,
            letters=self._letters,
            verification=self._verification,
            lifetime=timedelta(seconds=self._settings.reset_link_ttl_s),
        )

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals(ground=self._ground, letters=self._letters)

    @cached_property
    def _sign_in(self) -> SignIn:
        is_local = self._shared.stage == "local"
        return SignIn(
            ground=self._ground,
            guard=self._guard,
            sessions=self._sessions,
            arrivals=self._arrivals,
            passwords=self._passwords,
            verification=self._verification,
            may_register=self._neighbours.may_register,
            unverified_admin=(self._settings.admin_email or DEMO_EMAIL) if is_local else "",
        )

    @cached_property
    def _avatars(self) -> Avatars:
        said = self._settings
        limits = Limits(
            max_bytes=said.avatar_max_bytes,
            max_px=said.avatar_max_px,
            form_ttl_s=said.avatar_form_ttl_s,
        )
        uploads = build_uploads(said.assets_bucket, self._neighbours.uploads)
        return Avatars(ground=self._ground, uploads=uploads, limits=limits)

    @cached_property
    def _accounts(self) -> Accounts:
        purge = Purge(store=LeavingStore(self._table), steps=[self._avatars.forget])
        return Accounts(
            ground=self._ground,
            farewell=self._neighbours.farewell,
            leaver=self._neighbours.leaver or AtOnce(self._ground.store.commit, purge),
        )

    @cached_property
    def _desk(self) -> Callable[[], Desk]:
        federation = Federation(
            ground=self._ground,
            store=FederatedStore(self._table),
            sessions=self._sessions,
            arrivals=self._arrivals,
            letters=self._letters,
            verification=self._verification,
            may_register=self._neighbours.may_register,
        )
        around = Around(
            ground=self._ground,
            federation=federation,
            table=self._table,
            sender=self._neighbours.sender,
            pages=self._neighbours.pages,
        )
        return build_desk(self._environ, self._outside, around)


def build_uploads(bucket: str, given: Uploads | None = None) -> Callable[[], Uploads]:
    """Return what gives the bucket of pictures, made when it is first asked for."""

    @cache
    def uploads() -> Uploads:
        return given or S3Uploads(clients.s3, bucket)

    return uploads
