"""What is asked of a provider behind the browser's back: tokens for a code, and who somebody is."""

import re
from collections.abc import Mapping
from typing import Any

from nightshift.identity.oidc.errors import (
    CodeInvalidError,
    IdTokenInvalidError,
    ProviderUnavailableError,
)
from nightshift.identity.oidc.metadata import BASIC, POST
from nightshift.identity.oidc.model import Flaw, Identity, Metadata, Provider
from nightshift.identity.oidc.wire import Document, Wire
from nightshift.observability import Log
from nightshift.ports.secrets import SecretMissingError, Secrets

ERROR = re.compile(r"[a-z_]{1,40}\Z")
"""What an error of a provider looks like, to be named in the log."""
_REFUSALS = frozenset({"invalid_grant"})


class BackChannel:
    """Calls of the relying party to a provider, which proves itself with the client's secret."""

    def __init__(self, wire: Wire, secrets: Secrets, log: Log) -> None:
        self._wire = wire
        self._secrets = secrets
        self._log = log

    def tokens(
        self, provider: Provider, metadata: Metadata, form: dict[str, str]
    ) -> Mapping[str, str]:
        """Return the tokens for a code (OpenID Connect Core 1.0 section 3.1.3).

        Raises:
            CodeInvalidError: the provider does not take the code.
            ProviderUnavailableError: it does not answer as it should.
        """
        secret = self._secret(provider)
        by_form = POST in metadata.auth_methods and BASIC not in metadata.auth_methods
        basic = (provider.client_id, secret) if secret and not by_form else None
        if basic is None:
            form["client_id"] = provider.client_id
        if secret and by_form:
            form["client_secret"] = secret
        document = self._wire.post(metadata.token_endpoint, form, basic=basic)
        if document.json.get("error") in _REFUSALS:
            raise CodeInvalidError
        tokens = {n: document.json.get(n) for n in ("id_token", "access_token", "token_type")}
        if not document.ok or not all(isinstance(one, str) for one in tokens.values()):
            raise self._unavailable(provider, document, "tokens")
        if str(tokens["token_type"]).lower() != "bearer":
            raise self._unavailable(provider, document, "token_type")
        return {name: str(one) for name, one in tokens.items()}

    def identity(
        self,
        provider: Provider,
        metadata: Metadata,
        claims: Mapping[str, Any],
        access_token: str,
    ) -> Identity:
        """Return who it is; an address that the ID token does not say is asked for (section 5.3).

        An address and whether it is verified are always of one document.

        Raises:
            IdTokenInvalidError: what is asked for is of somebody else.
            ProviderUnavailableError: the provider does not answer as it should.
        """
        said = claims
        if not _text(claims, "email") and metadata.userinfo_endpoint:
            document = self._wire.get(metadata.userinfo_endpoint, bearer=access_token)
            if not document.ok:
                raise self._unavailable(provider, document, "userinfo")
            if document.json.get("sub") != claims["sub"]:
                raise IdTokenInvalidError(Flaw.SUBJECT)
            said = document.json
        return Identity(
            issuer=provider.issuer,
            subject=claims["sub"],
            email=_text(said, "email"),
            email_verified=said.get("email_verified") is True
            or _text(said, "email_verified") == "true",
            name=_text(said, "name") or _text(said, "preferred_username") or _text(claims, "name"),
        )

    def _secret(self, provider: Provider) -> str:
        if not provider.secret_param:
            return ""
        try:
            return self._secrets.get(provider.secret_param)
        except SecretMissingError as error:
            self._log.warning("oidc.secret_missing", provider=provider.provider_id)
            raise ProviderUnavailableError from error

    def _unavailable(
        self, provider: Provider, document: Document, what: str
    ) -> ProviderUnavailableError:
        error = document.json.get("error")
        said = error if isinstance(error, str) and ERROR.match(error) else None
        self._log.warning(
            "oidc.unavailable",
            provider=provider.provider_id,
            reason=f"{what}: {document.detail}",
            said=said,
        )
        return ProviderUnavailableError()


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""
