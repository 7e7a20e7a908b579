"""To a provider and back: from the address that a browser is sent to, to who came in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from nightshift.core.clock import Clock
from nightshift.identity.oidc.backchannel import ERROR, BackChannel
from nightshift.identity.oidc.errors import (
    CodeInvalidError,
    IdTokenInvalidError,
    IssuerMismatchError,
    ProviderNotFoundError,
    ProviderRefusedError,
    StateInvalidError,
    StateUsedError,
)
from nightshift.identity.oidc.flow import Flows, challenge
from nightshift.identity.oidc.id_token import Asked, read_id_token
from nightshift.identity.oidc.keyset import is_signed_by
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.model import (
    Back,
    Errand,
    Flow,
    Identity,
    Metadata,
    Provider,
)
from nightshift.identity.oidc.wire import Wire
from nightshift.observability import Log
from nightshift.ports.secrets import Secrets

_NO_ERRAND = Errand()
_LOGGED = (
    StateInvalidError,
    StateUsedError,
    IssuerMismatchError,
    ProviderRefusedError,
    CodeInvalidError,
    IdTokenInvalidError,
)


class States(Protocol):
    """Remembers which flows were finished."""

    def spend(self, flow: Flow) -> bool:
        """Note that the flow is being finished; tell whether it is the first time."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """Where the browser goes, and the flow whose cookie it keeps."""

    url: str
    flow: Flow


class ProviderSignIn:
    """The relying party of OpenID Connect Core 1.0, code flow only, PKCE always (RFC 9700)."""

    def __init__(
        self,
        *,
        providers: Mapping[str, Provider],
        flows: Flows,
        states: States,
        library: Library,
        wire: Wire,
        secrets: Secrets,
        clock: Clock,
        log: Log,
        leeway_s: int,
    ) -> None:
        self._providers = providers
        self._flows = flows
        self._states = states
        self._library = library
        self._back_channel = BackChannel(wire, secrets, log)
        self._clock = clock
        self._log = log
        self._leeway_s = leeway_s

    def providers(self) -> list[Provider]:
        """Return the providers in the order of the configuration."""
        return list(self._providers.values())

    def get_provider(self, provider_id: str) -> Provider:
        """Return a provider.

        Raises:
            ProviderNotFoundError: there is none of this id.
        """
        found = self._providers.get(provider_id)
        if found is None:
            raise ProviderNotFoundError
        return found

    def start(
        self, provider_id: str, *, redirect_uri: str, errand: Errand = _NO_ERRAND
    ) -> Departure:
        """Begin a flow; `redirect_uri` is registered there to the letter.

        Raises:
            ProviderNotFoundError: there is none of this id.
            ProviderUnavailableError: its metadata cannot be read.
        """
        provider = self.get_provider(provider_id)
        endpoint = self._library.metadata(provider).authorization_endpoint
        flow = self._flows.begin(provider_id, errand)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": provider.client_id,
                "redirect_uri": redirect_uri,
                "scope": " ".join(provider.scopes),
                "state": flow.state,
                "nonce": flow.nonce,
                "code_challenge": challenge(flow.verifier),
                "code_challenge_method": "S256",
            }
        )
        self._log.info("oidc.started", provider=provider_id)
        return Departure(url=endpoint + ("&" if "?" in endpoint else "?") + query, flow=flow)

    def errand(self, provider_id: str, back: Back) -> Errand | None:
        """Return what this browser went to the provider for, None if it did not or too long ago."""
        try:
            return self._flows.resume(provider_id, back.state, back.cookies).errand
        except StateInvalidError:
            return None

    def finish(self, provider_id: str, back: Back, *, redirect_uri: str) -> tuple[Identity, Errand]:
        """Return who came back, and what for.

        The order matters: first that the answer belongs to this browser, and for the first time,
        then that it comes from the provider that was asked (RFC 9207), and only then what it says.

        Raises:
            ProviderNotFoundError: there is none of this id.
            StateInvalidError: this browser began no such flow, or it is over.
            StateUsedError: an answer to it was taken before.
            IssuerMismatchError: another provider answers.
            ProviderRefusedError: the provider let nobody in.
            CodeInvalidError: the provider does not take its own code.
            IdTokenInvalidError: the ID token does not stand a check.
            ProviderUnavailableError: the provider does not answer as it should.
        """
        provider = self.get_provider(provider_id)
        try:
            flow = self._resumed(provider, back)
            return self._identified(provider, flow, back, redirect_uri), flow.errand
        except _LOGGED as error:
            flaw = error.flaw.value if isinstance(error, IdTokenInvalidError) else None
            self._log.warning("oidc.refused", provider=provider_id, error=error.slug, flaw=flaw)
            raise

    def _resumed(self, provider: Provider, back: Back) -> Flow:
        if back.error and not back.state:
            raise self._refusal(provider, back)  # some providers forget the state with an error
        flow = self._flows.resume(provider.provider_id, back.state, back.cookies)
        if not self._states.spend(flow):
            raise StateUsedError
        return flow

    def _identified(
        self, provider: Provider, flow: Flow, back: Back, redirect_uri: str
    ) -> Identity:
        metadata = self._library.metadata(provider)
        if back.issuer != provider.issuer and (back.issuer or metadata.names_itself):
            raise IssuerMismatchError
        if back.error or not back.code:
            raise self._refusal(provider, back)
        form = {
            "grant_type": "authorization_code",
            "code": back.code,
            "redirect_uri": redirect_uri,
            "code_verifier": flow.verifier,
        }
        tokens = self._back_channel.tokens(provider, metadata, form)
        claims = self._claims(provider, metadata, flow, tokens)
        return self._back_channel.identity(provider, metadata, claims, tokens["access_token"])

    def _refusal(self, provider: Provider, back: Back) -> ProviderRefusedError:
        said = back.error if ERROR.match(back.error) else "unknown"
        self._log.info("oidc.error_answered", provider=provider.provider_id, said=said)
        return ProviderRefusedError()

    def _claims(
        self, provider: Provider, metadata: Metadata, flow: Flow, tokens: Mapping[str, str]
    ) -> Mapping[str, Any]:
        asked = Asked(
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=flow.nonce,
            algorithms=metadata.algorithms,
            leeway_s=self._leeway_s,
        )
        return read_id_token(
            tokens["id_token"],
            asked,
            self._verifier(provider),
            access_token=tokens["access_token"],
            now=self._clock.now(),
        )

    def _verifier(
        self, provider: Provider
    ) -> Callable[[str | None, str, bytes, bytes], bool | None]:
        def verify(kid: str | None, algorithm: str, signed: bytes, mac: bytes) -> bool | None:
            key = self._library.key(provider, kid, algorithm)
            if key is None or is_signed_by(key, algorithm, signed, mac):
                return None if key is None else True
            newer = self._library.newer_key(provider, kid, algorithm)
            return newer is not None and is_signed_by(newer, algorithm, signed, mac)

        return verify
