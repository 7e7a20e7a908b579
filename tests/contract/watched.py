"""The whole API with every secret of it watched, and all the places where one could turn up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from nightshift.core.tokens import from_b64url
from tests.contract.apps import GENEROUS, Product, make_product
from tests.contract.door import CURSOR_KEY, MAIL_KEY, TABLES, Answer
from tests.contract.identities import PROVIDER
from tests.support.browser import Browser
from tests.support.canaries import Canaries, Leak
from tests.unit.identity.oidc.scene import ISSUER, Idp

CLIENT_SECRET = "oidc-client-Zk3v/9+Qw7=Lm2"
SMTP_PASSWORD = "smtp-password-Xr8!Hc5&Tn1"
CODE, PROVIDER_TOKEN = "oidc-code-Vb6Nj0Kd4Ms8", "oidc-access-Yt2Fg7Rp9Wq3"
"""Which answers tell which secrets, by the first word of their names; all others tell none."""
SHOWN: Mapping[str, frozenset[str]] = {
    "POST /auth/register": frozenset({"access", "refresh"}),
    "POST /auth/login": frozenset({"access", "refresh"}),
    "POST /auth/refresh": frozenset({"access", "refresh"}),
    "GET /auth/oidc/staff/start": frozenset({"state", "flow"}),
    "POST /auth/oidc/staff/link": frozenset({"state", "flow"}),
    "GET /auth/oidc/staff/callback": frozenset({"access", "refresh", "flow"}),
    "POST /api-keys": frozenset({"key"}),
    "POST /api-keys/{key_id}/rotate": frozenset({"key"}),
    "GET /tasks/signing-secret": frozenset({"signing"}),
    "POST /tasks/signing-secret": frozenset({"signing"}),
    "page POST /register": frozenset({"access", "refresh"}),
    "page POST /login": frozenset({"access", "refresh"}),
    "page GET /session": frozenset({"access", "refresh"}),
    "page GET /verify-email": frozenset({"verification"}),
    "page GET /reset-password": frozenset({"reset"}),
}
SHOWN_AGAIN: Mapping[str, frozenset[str]] = {"page POST /reset-password": frozenset({"reset"})}
"""Which refused forms carry what they were shown with, for another try."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer and what it answers."""

    operation: str
    status: int
    content: tuple[object, ...]

    @property
    def may_tell(self) -> frozenset[str]:
        """Return the kinds of secrets that this answer is there to tell."""
        again = SHOWN_AGAIN if self.status in {403, 422} else {}
        return (SHOWN if self.status < 400 else again).get(self.operation, frozenset())


@dataclass(kw_only=True)
class Watched:
    """A product, its secrets, and what it said."""

    product: Product
    idp: Idp
    canaries: Canaries = field(default_factory=Canaries)
    told: list[Told] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    jar: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, *, route: str = "", **more: Any) -> Answer:
        """Send a request and keep the answer; watch the tokens in it from now on."""
        answer = self.product.door(method, path, **more)
        operation = f"{method} {route or path}"
        content = (answer.text, answer.headers, answer.cookies)
        self.told.append(Told(operation=operation, status=answer.status, content=content))
        self.operations.add(operation)
        with suppress(ValueError):
            self.watch_tokens(operation, answer.json)
        return answer

    def browser(self) -> Browser:
        """Return a browser over the pages of accounts; its answers are kept, their cookies too."""
        pages = self.product.pages()

        def watched(event: Mapping[str, Any], context: object) -> dict[str, Any]:
            answer = pages(event, context)
            operation = f"page {event['requestContext']['http']['method']} {event['rawPath']}"
            told = (answer["body"], answer["headers"], answer.get("cookies", ()))
            self.told.append(Told(operation=operation, status=answer["statusCode"], content=told))
            self.operations.add(operation)
            self._watch_cookies(f"{operation} no. {len(self.told)}", answer.get("cookies", ()))
            return answer

        return Browser(handler=watched)

    def _watch_cookies(self, name: str, cookies: Sequence[str]) -> None:
        for cookie in cookies:
            kind, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if kind.endswith("_session") and value:
                self.watch_access(f"access token of {name}", value)
            elif kind.endswith("_refresh") and value:
                self.watch_opaque(f"refresh token of {name}", value, 32, 64)

    def watch_tokens(self, operation: str, body: Any) -> None:
        """Watch what an answer gave out."""
        if not isinstance(body, dict):
            return
        if "access_token" in body:
            name = f"{operation} no. {len(self.told)}"
            self.watch_access(f"access token of {name}", body["access_token"])
            self.watch_opaque(f"refresh token of {name}", body["refresh_token"], 32, 64)
        if str(body.get("secret", "")).startswith("nsk_"):
            self.canaries.watch(f"key of {operation}", body["secret"], body["secret"][4:34])
        if str(body.get("secret", "")).startswith("whsec_"):
            self.canaries.watch(f"signing secret of {operation}", body["secret"][6:])

    def watch_access(self, name: str, token: str) -> None:
        """Watch a signed token: whoever has its signature has it."""
        signature = token.rpartition(".")[2]
        self.canaries.watch(name, signature, from_b64url(signature))

    def watch_opaque(self, name: str, token: str, start: int, end: int) -> None:
        """Watch a token of ours and the secret bytes in it."""
        raw = from_b64url(token[4:])
        self.canaries.watch(name, token, raw[start:end])

    def mailed(self, kind: str, prefix: str) -> str:
        """Deliver what waits, and watch and return the token of the latest mail that has one."""
        self.product.engine.run_for(seconds=90)
        texts = [mail.text for mail in self.product.email.deliverer.mails]
        found = next(text for text in reversed(texts) if f"={prefix}" in text)
        token = prefix + found.partition(f"={prefix}")[2].split()[0]
        self.watch_opaque(f"{kind} link", token, 16, 48)
        return token

    def depart(self, method: str, path: str, **more: Any) -> str:
        """Begin to sign in with the provider, and return the state that it will send back."""
        answer = self.send(method, path, **more)
        url = answer.headers.get("location") or answer.json["url"]
        query = parse_qs(urlsplit(url).query)
        self.idp.nonce, state = query["nonce"][0], query["state"][0]
        for cookie in answer.cookies:
            name, _, rest = cookie.partition("=")
            self.jar[name] = rest.partition(";")[0]
            self.canaries.watch("flow cookie", self.jar[name])
        self.canaries.watch("state of a flow", state)
        return state

    def come_back(self, state: str, code: str = CODE) -> Answer:
        """Come back from the provider, and watch what it was asked and answered."""
        self.canaries.watch("code of the provider", code)
        query = {"state": state, "code": code}
        path = f"/auth/oidc/{PROVIDER}/callback"
        answer = self.send("GET", path, query=query, cookies=self.jar)
        forms = [dict(parse_qsl(r.body.decode())) for r in self.idp.asked("/token")]
        for form in forms:
            self.canaries.watch("verifier of PKCE", form["code_verifier"])
        return answer

    @property
    def kinds(self) -> frozenset[str]:
        """Return what kinds of secrets are watched."""
        return frozenset(name.partition(" of ")[0] for name in self.canaries.names)

    def places(self) -> Iterator[tuple[str, object]]:
        """Yield all that is kept or told anywhere, but answers: name and content."""
        product = self.product
        engine = product.engine
        for table in TABLES:
            for row in product.world.rows(table):
                yield f"table {table}, {row['pk']} {row['sk']}", row
        for number, line in enumerate(product.world.logged.getvalue().splitlines()):
            yield f"log line {number}: {line[:200]}", line
        for action, fields in engine.told.lines:
            yield f"log line {action}", fields
        for _, message in engine.queue.sent:
            yield "queue", message.body
        for event in engine.bus.events.values():
            yield f"event {event.type}", (event.id, event.subject, event.data)
        for key, kept in engine.blobs.blobs.items():
            yield f"blob {key}", (key, kept)

    def leaks(self, *printed: str) -> list[Leak]:
        """Return every secret that is where it must not be; `printed` is the process's output."""
        found = self.canaries.leaks(self.places())
        found += self.canaries.leaks(("output", text) for text in printed)
        for told in self.told:
            names = self.canaries.found_in(told.content)
            found += [
                Leak(secret=name, place=f"answer {told.status} to {told.operation}")
                for name in sorted(names)
                if name.split()[0] not in told.may_tell
            ]
        return found


def make_watched() -> Watched:
    """Return a product whose deployment's own secrets are watched, and those of its user."""
    product = make_product()
    idp = Idp(product.engine.clock)
    idp.tokens = {"access_token": PROVIDER_TOKEN}
    product.behind = replace(
        product.behind, beside=replace(product.behind.beside, sender=idp.sender)
    )
    product.world.secrets.values["client-secret"] = CLIENT_SECRET
    provider = {
        "id": PROVIDER,
        "issuer": ISSUER,
        "client_id": "nightshift",
        "client_secret_param": "client-secret",
    }
    said = {**GENEROUS, "NIGHTSHIFT_OIDC_PROVIDERS": json.dumps([provider])}
    product.door = product.another_process(said)
    watched = Watched(product=product, idp=idp)
    canaries = watched.canaries
    canaries.watch("client secret", CLIENT_SECRET, quote(CLIENT_SECRET))
    canaries.watch("provider's access token", PROVIDER_TOKEN)
    canaries.watch("SMTP password", SMTP_PASSWORD, SMTP_PASSWORD.encode())
    canaries.watch("signing key", product.world.key.private_bytes_raw())
    canaries.watch("cursor key", CURSOR_KEY)
    canaries.watch("mail key", MAIL_KEY)
    for who in (product.user, product.root):
        watched.watch_tokens("registering", who)
    return watched
