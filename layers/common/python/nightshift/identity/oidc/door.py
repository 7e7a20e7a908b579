"""To a provider and back as one use case, for whatever renders it: the API, or pages."""

from collections.abc import Callable
from dataclasses import dataclass

from nightshift.core.access import SessionId
from nightshift.identity.model import Actor, Client, User
from nightshift.identity.oidc.federation import Federation
from nightshift.identity.oidc.linking import Linking
from nightshift.identity.oidc.model import Back, Errand, Provider
from nightshift.identity.oidc.service import Departure, ProviderSignIn
from nightshift.identity.sessions import Tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """What pages of this site make of a sign-in that began on one of them.

    `cookies` gives whole `Set-Cookie` values by which the browser holds the session; `home` is
    where a browser goes that came back from nowhere, on this site.
    """

    cookies: Callable[[Tokens], tuple[str, ...]]
    home: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """What came of a way to a provider and back.

    `tokens` are those of a new session, access and refresh token alike; None where an identity was
    linked and the session that asked goes on. `way` is where on this site the browser goes; empty
    is nowhere.
    """

    user: User
    tokens: Tokens | None
    way: str


class ProviderDoor:
    """Signs in and links by providers; knows no request and no answer."""

    def __init__(
        self, *, sign_in: ProviderSignIn, federation: Federation, linking: Linking
    ) -> None:
        self._sign_in = sign_in
        self._federation = federation
        self._linking = linking

    def providers(self) -> list[Provider]:
        """Return the providers in the order of the configuration."""
        return self._sign_in.providers()

    def begin(self, provider_id: str, *, redirect_uri: str, way: str = "") -> Departure:
        """Begin a sign-in; `way` must be one by `ways.is_way`, or empty.

        Raises:
            ProviderNotFoundError: there is none of this id.
            ProviderUnavailableError: its metadata cannot be read.
        """
        return self._sign_in.start(provider_id, redirect_uri=redirect_uri, errand=Errand(way=way))

    def begin_link(
        self,
        provider_id: str,
        actor: Actor,
        session_id: SessionId,
        *,
        redirect_uri: str,
        way: str = "",
    ) -> Departure:
        """Begin to link an identity to the actor's account.

        Raises:
            ProviderNotFoundError, ProviderUnavailableError: as `begin` says.
            SignInAgainError, LinkUnverifiedError: as `Linking.check_may_link` says.
        """
        self._sign_in.get_provider(provider_id)
        self._linking.check_may_link(actor.user_id, session_id)
        errand = Errand(way=way, user_id=actor.user_id, session_id=session_id)
        return self._sign_in.start(provider_id, redirect_uri=redirect_uri, errand=errand)

    def complete(
        self, provider_id: str, back: Back, *, redirect_uri: str, user_id: str, client: Client
    ) -> Completed:
        """Take a provider's answer: sign in, or link; `user_id` is for a new account.

        Raises:
            NightshiftError: as `ProviderSignIn.finish`, then `Federation.arrive` or `Linking.link`
                say.
        """
        identity, errand = self._sign_in.finish(provider_id, back, redirect_uri=redirect_uri)
        provider = self._sign_in.get_provider(provider_id)
        if errand.user_id:
            user = self._linking.link(errand, identity, provider, client)
            return Completed(user=user, tokens=None, way=errand.way)
        user, tokens = self._federation.arrive(identity, provider, user_id=user_id, client=client)
        return Completed(user=user, tokens=tokens, way=errand.way)

    def way_of(self, provider_id: str, back: Back) -> str | None:
        """Return where this browser wanted to go, None when it never left for this provider."""
        errand = self._sign_in.errand(provider_id, back)
        return None if errand is None else errand.way
