"""Settings of the HTTP edge."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSettings:
    """Limits of the API and where it keeps its own state."""

    http_table: str = setting(doc="Table of idempotency keys and request counts.", wiring=True)
    cursor_key_param: str = setting(
        doc="Name of the parameter that holds the key of cursors and kept answers.", wiring=True
    )
    body_limit_bytes: int = setting(
        doc="Largest request body; more is 413. API Gateway itself ends at 10 MB, Lambda at 6 MB.",
        default=1_048_576,
        unit="bytes",
        ge=1024,
        le=5_242_880,
    )
    rate_window_s: int = setting(
        doc="Length of the window in which requests are counted.",
        default=60,
        unit="seconds",
        ge=1,
        le=3600,
    )
    rate_limit_caller: int = setting(
        doc="Requests of one user in one window; more is 429.",
        default=6000,
        unit="requests",
        ge=1,
        le=10_000_000,
    )
    rate_limit_address: int = setting(
        doc="Requests without valid credentials from one address in one window; more is 429.",
        default=600,
        unit="requests",
        ge=1,
        le=10_000_000,
    )
    idempotency_ttl_s: int = setting(
        doc="How long the first answer to an Idempotency-Key is kept.",
        default=86_400,
        unit="seconds",
        ge=60,
        le=604_800,
    )
    idempotency_sealed_ttl_s: int = setting(
        doc=(
            "The same for answers that hold tokens; at most the lifetime of an access token, since "
            "an older answer would be of no use."
        ),
        default=600,
        unit="seconds",
        ge=10,
        le=3600,
    )
    idempotency_lease_s: int = setting(
        doc=(
            "After how long a first request that gave no answer counts as crashed; above the "
            "function's own timeout of 29 s."
        ),
        default=35,
        unit="seconds",
        ge=30,
        le=900,
    )
