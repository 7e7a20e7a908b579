"""A provider in memory that signs what it is told to, and the relying party that asks it."""

import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import get_default_algorithms

from nightshift.adapters.secrets_memory import MemorySecrets
from nightshift.core.clock import ManualClock, to_epoch_s
from nightshift.core.tokens import b64url
from nightshift.identity.oidc.flow import Flows
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.model import Back, Flow, Identity, Provider
from nightshift.identity.oidc.service import Departure, ProviderSignIn
from nightshift.identity.oidc.wire import Wire
from nightshift.observability import make_log
from nightshift.outbound.fakes import ScriptedSender, answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ISSUER = "https://id.example.com/realms/staff"
REDIRECT = "https://nightshift.example.com/api/v1/auth/oidc/staff/callback"
CLIENT, SECRET = "nightshift", "s3cret/with:signs"
CODE, ACCESS = "code-1", "access-1"
STAFF = Provider(
    provider_id="staff", name="Staff", issuer=ISSUER, client_id=CLIENT, secret_param="client-secret"
)
_PARTIES = itertools.count()


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the one key of this size."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def other_key(algorithm: str) -> Any:
    """Return the one key of an algorithm that is no RSA."""
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.generate()
    return ec.generate_private_key(curves[algorithm])


def key_of(algorithm: str) -> Any:
    """Return the private key that signs by this algorithm."""
    return rsa_key() if algorithm[:2] in {"RS", "PS"} else other_key(algorithm)


def _algorithm(name: str) -> Any:
    return get_default_algorithms()[name]


def jwk_of(key: Any, algorithm: str, **more: Any) -> dict[str, Any]:
    """Return a public JWK; what `more` says of it is None is left out."""
    jwk: dict[str, Any] = json.loads(_algorithm(algorithm).to_jwk(key.public_key()))
    jwk = {**jwk, "kid": "k1", "use": "sig", **more}
    jwk.pop("key_ops", None) if "key_ops" not in more else None
    return {name: value for name, value in jwk.items() if value is not None}


def signed(claims: Mapping[str, Any], header: Mapping[str, Any], key: Any) -> str:
    """Return a signed token, whatever stands in it; bytes are a key of HS256."""
    parts = [b64url(json.dumps(part).encode()) for part in (header, claims)]
    text = ".".join(parts).encode()
    if isinstance(key, bytes):
        signature = hmac.digest(key, text, "sha256")
    else:
        signature = _algorithm(header["alg"]).sign(text, key)
    return f"{text.decode()}.{b64url(signature)}"


class Idp:
    """An OpenID provider: its documents and tokens may be changed, its calls are kept."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sender = ScriptedSender(self.answer)
        self.algorithm = "RS256"
        self.key: Any = None
        self.kid: str | None = "k1"
        self.header: dict[str, Any] = {}
        self.keys: list[dict[str, Any]] | None = None
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.down: set[str] = set()
        self.token_answer: OutboundAnswer | None = None
        self.nonce = ""

    def answer(self, request: OutboundRequest) -> OutboundAnswer:
        """Answer a call by its path."""
        path = urlsplit(request.url).path.rpartition("/")[2]
        if path in self.down:
            return answer(503)
        if path == "token" and self.token_answer is not None:
            return self.token_answer
        documents: dict[str, Callable[[], dict[str, Any]]] = {
            "openid-configuration": self._metadata,
            "jwks": self._jwks,
            "token": self._tokens,
            "userinfo": lambda: self.userinfo,
        }
        document = documents[path]()
        return answer(body=json.dumps(document).encode())

    def asked(self, path: str) -> list[OutboundRequest]:
        """Return the calls to what is at the end of a path."""
        return [r for r in self.sender.requests if urlsplit(r.url).path.endswith(path)]

    def form(self) -> dict[str, str]:
        """Return the form of the latest call for tokens."""
        return dict(parse_qsl(self.asked("/token")[-1].body.decode()))

    def id_token(self) -> str:
        """Return a signed ID token."""
        now = to_epoch_s(self.clock.now())
        claims = {
            "iss": ISSUER,
            "sub": "user-7",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada",
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.key or key_of(self.algorithm)
        headers = {**({"kid": self.kid} if self.kid is not None else {}), **self.header}
        return signed(claims, {"alg": self.algorithm, "typ": "JWT", **headers}, key)

    def _metadata(self) -> dict[str, Any]:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "response_types_supported": ["code", "id_token"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "id_token_signing_alg_values_supported": [self.algorithm, "HS256", "none"],
            **self.metadata,
        }
        return {name: value for name, value in document.items() if value is not None}

    def _jwks(self) -> dict[str, Any]:
        if self.keys is not None:
            return {"keys": self.keys}
        return {"keys": [jwk_of(key_of(self.algorithm), self.algorithm)]}

    def _tokens(self) -> dict[str, Any]:
        tokens = {
            "access_token": ACCESS,
            "token_type": "Bearer",
            "id_token": self.id_token(),
            **self.tokens,
        }
        return {name: value for name, value in tokens.items() if value is not None}


class Spent:
    """Flows that were finished."""

    def __init__(self) -> None:
        self.states: set[str] = set()

    def spend(self, flow: Flow) -> bool:
        """Note that a flow is being finished; tell whether it is the first time."""
        is_first = flow.state not in self.states
        self.states.add(flow.state)
        return is_first


class Party:
    """The relying party, a browser's cookies, and the provider."""

    def __init__(self, provider: Provider = STAFF, **idp: Any) -> None:
        self.clock = ManualClock(START)
        self.idp = Idp(self.clock)
        for name, value in idp.items():
            setattr(self.idp, name, value)
        self.lines = StringIO()
        self.random = 0
        wire = Wire(lambda: self.idp.sender, timeout_s=8)
        log = make_log(service=f"oidc-{next(_PARTIES)}", stream=self.lines)
        self.library = Library(wire, self.clock, log, allow_loopback=False)
        self.key = bytes(range(32))
        self.secrets = MemorySecrets({"client-secret": SECRET})
        self.flows = Flows(lambda: self.key, self._random, self.clock, timedelta(minutes=10))
        self.states = Spent()
        self.service = ProviderSignIn(
            providers={provider.provider_id: provider},
            flows=self.flows,
            states=self.states,
            library=self.library,
            wire=wire,
            secrets=self.secrets,
            clock=self.clock,
            log=log,
            leeway_s=60,
        )

    def _random(self, size: int) -> bytes:
        self.random += 1
        return self.random.to_bytes(size, "big")

    def depart(self) -> Departure:
        """Begin a flow; the provider will put its nonce into the token."""
        departure = self.service.start("staff", redirect_uri=REDIRECT)
        self.idp.nonce = parse_qs(urlsplit(departure.url).query)["nonce"][0]
        return departure

    def finish(self, flow: Flow, **back: Any) -> Identity:
        """Come back with a code, or with what is said instead."""
        said = {"state": flow.state, "code": CODE, "cookies": jar(flow), **back}
        return self.service.finish("staff", Back(**said), redirect_uri=REDIRECT)[0]

    def sign_in(self, **back: Any) -> Identity:
        """Go and come back."""
        return self.finish(self.depart().flow, **back)

    def logged(self, action: str) -> list[Mapping[str, Any]]:
        """Return the log lines of an action."""
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [line for line in lines if line.get("action") == action]


def jar(flow: Flow) -> dict[str, str]:
    """Return the browser's cookies after a flow was begun."""
    return {flow.cookie_name: flow.cookie_value}
