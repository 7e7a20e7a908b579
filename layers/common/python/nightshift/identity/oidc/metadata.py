"""Reading a provider's metadata (OpenID Connect Discovery 1.0 sections 3 and 4)."""

from collections.abc import Mapping
from typing import Any

from nightshift.identity.oidc.id_token import ALGORITHMS
from nightshift.identity.oidc.model import Metadata, Provider
from nightshift.identity.oidc.urls import is_safe

PATH = "/.well-known/openid-configuration"
BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"


def metadata_url(issuer: str) -> str:
    """Return where the provider's metadata is."""
    return issuer.removesuffix("/") + PATH


def read_metadata(
    document: Mapping[str, Any], provider: Provider, *, allow_loopback: bool
) -> Metadata | str:
    """Return what a provider says of itself, or what is wrong with it.

    The issuer must be the configured one to the letter: a document that somebody else wrote could
    name its own, and its own keys.
    """
    if document.get("issuer") != provider.issuer:
        return "issuer is another"
    required = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    wrong = [n for n in required if not is_safe(document.get(n), allow_loopback=allow_loopback)]
    userinfo = document.get("userinfo_endpoint") or ""
    if userinfo and not is_safe(userinfo, allow_loopback=allow_loopback):
        wrong.append("userinfo_endpoint")
    if wrong:
        return f"no usable {', '.join(wrong)}"
    if "code" not in _texts(document, "response_types_supported", ["code"]):
        return "no authorization code flow"
    if "S256" not in _texts(document, "code_challenge_methods_supported", ["S256"]):
        return "no PKCE by S256"
    algorithms = _algorithms(document, provider)
    if not algorithms:
        return "no algorithm of ID tokens that is accepted"
    return Metadata(
        authorization_endpoint=document["authorization_endpoint"],
        token_endpoint=document["token_endpoint"],
        jwks_uri=document["jwks_uri"],
        userinfo_endpoint=userinfo,
        algorithms=algorithms,
        auth_methods=_texts(document, "token_endpoint_auth_methods_supported", [BASIC]),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _algorithms(document: Mapping[str, Any], provider: Provider) -> tuple[str, ...]:
    announced = _texts(document, "id_token_signing_alg_values_supported", ["RS256"])
    wanted = provider.algorithms or tuple(sorted(ALGORITHMS))
    return tuple(name for name in wanted if name in announced)


def _texts(document: Mapping[str, Any], name: str, default: list[str]) -> tuple[str, ...]:
    """Return a list of texts; what is absent is `default`, what is none of them is left out."""
    found = document.get(name, default)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()
