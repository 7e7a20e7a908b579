"""What signing in with a provider is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nightshift.core.access import UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """An OpenID provider as the configuration has it.

    Attributes:
        provider_id: names it in paths.
        name: shown to users.
        issuer: exactly as the provider writes it into its tokens.
        secret_param: the parameter with the client's secret; empty for a public client, which PKCE
            alone protects.
        algorithms: of ID tokens; empty is what the provider announces and we accept.
        links_by_email: whether its word that an address is verified links it to an account here.
    """

    provider_id: str
    name: str
    issuer: str
    client_id: str
    secret_param: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    algorithms: tuple[str, ...] = ()
    links_by_email: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0 section 3).

    `names_itself` tells that every answer of its carries `iss` (RFC 9207 section 3).
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    names_itself: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """What somebody goes to a provider for, as the browser keeps it, signed, on the way.

    Attributes:
        way: where on this site the browser goes afterwards; empty is nowhere.
        user_id, session_id: who wants to link an identity, and by which sign-in; empty is signing
            in.
    """

    way: str = ""
    user_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """One way to a provider and back, bound to one browser by a cookie."""

    provider_id: str
    state: str
    nonce: str
    verifier: str
    cookie_name: str
    cookie_value: str
    ends_at: datetime
    errand: Errand


@dataclass(frozen=True, kw_only=True, slots=True)
class Back:
    """What a provider sent the browser back with; empty is not there."""

    state: str
    code: str = ""
    issuer: str = ""
    error: str = ""
    cookies: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who somebody is in a provider's eyes; `subject` never changes there, all else may.

    `email_verified` is the provider's word. Empty texts are not known.
    """

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Whose an identity is by the table; `epoch` is the user's when it was linked."""

    user_id: UserId
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """A way in that a user has.

    `link_id` is a hash of issuer and subject, `epoch` the user's when it was linked, `email` the
    address that the provider named then.
    """

    link_id: str
    provider_id: str
    issuer: str
    email: str
    epoch: int
    linked_at: datetime


class Flaw(StrEnum):
    """What is wrong with an ID token (OpenID Connect Core 1.0 section 3.1.3.7)."""

    MALFORMED = "malformed"
    CRITICAL = "critical_header"
    TYPE = "type"
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    PARTY = "authorized_party"
    EXPIRED = "expired"
    NOT_YET = "not_yet_valid"
    ISSUED_AT = "issued_at"
    NONCE = "nonce"
    SUBJECT = "subject"
    ACCESS_TOKEN = "access_token"
