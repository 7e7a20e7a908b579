"""Settings of accounts: lifetimes, password work and limits of attempts."""

from dataclasses import dataclass

from nightshift.core.environment import SettingsError, setting


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityTable:
    """All that looking users up takes."""

    identity_table: str = setting(doc="Table of users and sessions.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeavingSettings:
    """Where users who are gone may have left something."""

    identity_table: str = setting(doc="Table of users and sessions.", wiring=True)
    assets_bucket: str = setting(doc="Bucket of pictures that users upload.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifierSettings:
    """What every function needs that checks access tokens."""

    stage: str = setting(
        doc="Which stack this is.",
        choices=("local", "dev", "staging", "prod"),
        wiring=True,
    )
    identity_table: str = setting(doc="Table of users and sessions.", wiring=True)
    token_public_keys_param: str = setting(
        doc="Name of the parameter with the public keys of access tokens (JWKS).", wiring=True
    )
    token_issuer: str = setting(
        doc="`iss` of access tokens; tokens of another issuer are refused.", default="nightshift"
    )
    token_audience: str = setting(
        doc="`aud` of access tokens; tokens for another audience are refused.",
        default="nightshift-api",
    )
    token_leeway_s: int = setting(
        doc="How far the clocks of two machines may differ when a token's times are judged.",
        default=5,
        unit="seconds",
        ge=0,
        le=60,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSettings:
    """What the accounts function needs beyond that.

    How the three lifetimes relate: an access token is believed by its signature and its session, so
    its lifetime only bounds how long a client goes without asking for a new one (a session that is
    ended is refused at once, whatever the token says). The refresh token's lifetime is how long a
    client may stay away and still be signed in; each refresh begins it anew. So access is far
    below refresh. The grace is how long after a refresh the token used for it still gives the same
    answer, for a client whose connection broke before it read the answer: above a client's retry
    time, far below the access lifetime, since within it a stolen token would not be noticed.
    """

    token_signing_keys_param: str = setting(
        doc="Name of the parameter with the private keys of access tokens (JSON list of JWKs).",
        wiring=True,
    )
    access_token_ttl_s: int = setting(
        doc="Lifetime of an access token; far below the refresh token's.",
        default=900,
        unit="seconds",
        ge=1,
        le=86_400,
    )
    refresh_token_ttl_s: int = setting(
        doc="Lifetime of a refresh token, begun anew at each refresh.",
        default=2_592_000,
        unit="seconds",
        ge=2,
        le=31_536_000,
    )
    refresh_grace_s: int = setting(
        doc="How long a used refresh token still gives the answer that was lost.",
        default=10,
        unit="seconds",
        ge=0,
        le=120,
    )
    argon2_memory_kib: int = setting(
        doc="Memory of one password hash; OWASP's recommendation with time 2 and parallelism 1.",
        default=19_456,
        unit="KiB",
        ge=8,
        le=1_048_576,
    )
    argon2_time: int = setting(
        doc="Passes over that memory.", default=2, unit="passes", ge=1, le=20
    )
    argon2_parallelism: int = setting(
        doc="Lanes of one password hash.", default=1, unit="lanes", ge=1, le=8
    )
    admin_email: str = setting(
        doc=(
            "Address of the first administrator: admin at once in the local stack, in a deployed "
            "one as soon as the address is verified. Empty is nobody, locally demo@example.com."
        ),
        default="",
    )
    login_free_attempts: int = setting(
        doc="Attempts at one account from one network before the delay begins to grow.",
        default=5,
        unit="attempts",
        ge=1,
        le=100,
    )
    login_free_attempts_address: int = setting(
        doc="Failed attempts from one network, at whatever accounts, before its delay begins.",
        default=30,
        unit="attempts",
        ge=1,
        le=100_000,
    )
    login_free_attempts_strangers: int = setting(
        doc=(
            "Failed attempts at one account from all networks that it was not signed in to from, "
            "before the delay for those begins."
        ),
        default=50,
        unit="attempts",
        ge=1,
        le=100_000,
    )
    login_max_delay_s: int = setting(
        doc="The longest delay between two attempts; it doubles from one second up to this.",
        default=900,
        unit="seconds",
        ge=1,
        le=86_400,
    )
    register_limit_address: int = setting(
        doc="Registrations from one address in an hour.",
        default=600,
        unit="registrations",
        ge=1,
        le=1_000_000,
    )
    forgot_limit_address: int = setting(
        doc="Requests for a new password from one address in an hour.",
        default=60,
        unit="requests",
        ge=1,
        le=1_000_000,
    )
    link_mail_free: int = setting(
        doc=(
            "Mails with a link (verification, new password) to one address before the delay "
            "between them begins: a minute, doubling up to the longest delay of sign-in."
        ),
        default=3,
        unit="mails",
        ge=1,
        le=1000,
    )
    reset_link_ttl_s: int = setting(
        doc="How long a mailed link for a new password is good.",
        default=1800,
        unit="seconds",
        ge=600,
        le=3600,
    )
    verify_link_ttl_s: int = setting(
        doc="How long a mailed link that verifies an address is good.",
        default=86_400,
        unit="seconds",
        ge=600,
        le=604_800,
    )
    avatar_max_bytes: int = setting(
        doc="The largest picture that a user can upload.",
        default=2_097_152,
        unit="bytes",
        ge=1024,
        le=5_242_880,
    )
    avatar_max_px: int = setting(
        doc="The longest side of a picture that a user can upload.",
        default=4096,
        unit="pixels",
        ge=16,
        le=16_384,
    )
    avatar_form_ttl_s: int = setting(
        doc="How long a form to upload a picture is good.",
        default=600,
        unit="seconds",
        ge=60,
        le=3600,
    )
    assets_bucket: str = setting(doc="Bucket of pictures that users upload.", wiring=True)
    public_url: str = setting(
        doc=(
            "Address that users see, without a trailing slash; mailed links begin with it. Empty "
            "is the API's own address."
        ),
        default="",
        wiring=True,
    )

    def __post_init__(self) -> None:
        """Refuse lifetimes that make no sense together.

        Raises:
            SettingsError: saying which must be below which.
        """
        if self.access_token_ttl_s >= self.refresh_token_ttl_s:
            raise SettingsError(
                "NIGHTSHIFT_ACCESS_TOKEN_TTL_S must be below NIGHTSHIFT_REFRESH_TOKEN_TTL_S"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeySettings:
    """What the accounts function needs for API keys."""

    api_keys_max: int = setting(
        doc="API keys that one user may have; revoked ones do not count, expired ones do.",
        default=20,
        unit="keys",
        ge=1,
        le=1_000,
    )
