"""A browser at a real OpenID provider, and somebody on the line who changes what is said."""

import base64
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from nightshift.adapters.secrets_memory import MemorySecrets
from nightshift.identity.oidc.flow import Flows
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.model import Back, Identity, Provider
from nightshift.identity.oidc.service import Departure, ProviderSignIn
from nightshift.identity.oidc.wire import MAX_ANSWER_BYTES, Wire
from nightshift.observability import make_log
from nightshift.outbound.sender import HttpSender
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from tests.support.openid import OpenIdProcess
from tests.unit.identity.oidc.scene import Spent, jar, jwk_of, rsa_key, signed

REDIRECT = "http://127.0.0.1:8787/api/v1/auth/oidc/mock/callback"
ADA = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}
_BROWSERS = itertools.count()


class Ahead:
    """The machine's clock, ahead by what it was advanced."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Go ahead."""
        self._ahead += timedelta(seconds=seconds)


class Tampering:
    """The real sender, and somebody on the line who signs what the provider never said.

    `change` is merged into the claims, `header` into the token's header, and `key` signs (bytes are
    a secret of HS256). The keys that the provider publishes are replaced by the forger's when
    `with_keys` is set, so that the claim alone is wrong. `documents` is merged into what the path
    ends with.
    """

    def __init__(self) -> None:
        self.change: Mapping[str, object] = {}
        self.header: Mapping[str, object] = {}
        self.key: Any = None
        self.with_keys = True
        self.documents: dict[str, Mapping[str, object]] = {}
        self.requests: list[OutboundRequest] = []
        self._sender = HttpSender(allow_loopback=True, max_body=MAX_ANSWER_BYTES)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Make the call, and change what comes back."""
        self.requests.append(request)
        answer = await self._sender.send(request)
        forges = bool(self.change or self.header or self.key)
        if not (forges or self.documents) or not answer.ok:
            return answer
        path = request.url.rpartition("/")[2]
        document = {**json.loads(answer.body), **self.documents.get(path, {})}
        if forges and path == "jwks" and self.with_keys:
            document = {"keys": [jwk_of(rsa_key(), "RS256", kid="forged")]}
        if forges and "id_token" in document:
            document["id_token"] = self._forged(document["id_token"])
        body = json.dumps(document).encode()
        return OutboundAnswer(
            outcome=answer.outcome,
            status=answer.status,
            retry_after_s=None,
            body=body,
            truncated=False,
            elapsed_ms=0,
            detail="tampered with",
        )

    async def aclose(self) -> None:
        """Release the sender."""
        await self._sender.aclose()

    def _forged(self, token: str) -> str:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        changed = {**claims, **self.change}
        kept = {name: value for name, value in changed.items() if value is not None}
        header = {"alg": "RS256", "kid": "forged", **self.header}
        return signed(kept, header, rsa_key() if self.key is None else self.key)


class Browser:
    """A browser and a relying party that never met before, by a clock that may go ahead."""

    def __init__(self, process: OpenIdProcess, *, timeout_s: float = 10) -> None:
        self.process = process
        self.line = Tampering()
        self.lines = StringIO()
        self.clock = clock = Ahead()
        log = make_log(service=f"oidc-process-{next(_BROWSERS)}", stream=self.lines)
        wire = Wire(lambda: self.line, timeout_s=timeout_s)
        provider = Provider(
            provider_id="mock",
            name="Mock",
            issuer=process.issuer,
            client_id="nightshift",
            secret_param="secret",
        )
        tokens = iter(range(1, 100))
        self.service = ProviderSignIn(
            providers={"mock": provider},
            flows=Flows(
                lambda: bytes(range(32)),
                lambda n: next(tokens).to_bytes(n, "big"),
                clock,
                timedelta(minutes=10),
            ),
            states=Spent(),
            library=Library(wire, clock, log, allow_loopback=True),
            wire=wire,
            secrets=MemorySecrets({"secret": "s3cret"}),
            clock=clock,
            log=log,
            leeway_s=60,
        )

    def depart(self) -> Departure:
        """Begin."""
        return self.service.start("mock", redirect_uri=REDIRECT)

    def arrive(self, departure: Departure, subject: str | None = "ada", **change: Any) -> Identity:
        """Sign in at the provider and come back, with some of what it said changed."""
        return self.come_back(
            departure, {**self.process.authorize(departure.url, subject), **change}
        )

    def come_back(self, departure: Departure, said: Mapping[str, str]) -> Identity:
        """Come back with these words."""
        back = Back(
            state=said.get("state", ""),
            code=said.get("code", ""),
            issuer=said.get("iss", ""),
            error=said.get("error", ""),
            cookies=jar(departure.flow),
        )
        return self.service.finish("mock", back, redirect_uri=REDIRECT)[0]
