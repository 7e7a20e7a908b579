"""Builds what tells who is calling: for every HTTP function, with public keys only."""

from collections.abc import Mapping

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.http.wiring import Outside
from nightshift.identity.access_tokens import AccessTokenVerifier, TokenTerms
from nightshift.identity.api_keys.store import ApiKeyStore
from nightshift.identity.authenticator import BearerAuthenticator
from nightshift.identity.directory import Directory
from nightshift.identity.preference_store import PreferenceStore
from nightshift.identity.public_keys import PublicKeys
from nightshift.identity.settings import IdentityTable, VerifierSettings
from nightshift.identity.standing import StandingStore
from nightshift.identity.store import IdentityStore


def build_authenticator(environ: Mapping[str, str], outside: Outside) -> BearerAuthenticator:
    """Return the authenticator; it reads the public keys at its first use.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(VerifierSettings, environ)
    verifier = AccessTokenVerifier(
        keys=PublicKeys(outside.secrets, settings.token_public_keys_param, outside.clock),
        terms=build_terms(settings),
        clock=outside.clock,
    )
    table = build_table(settings, outside)
    return BearerAuthenticator(
        verifier=verifier,
        standing=StandingStore(table),
        api_keys=ApiKeyStore(table),
        clock=outside.clock,
        log=outside.log,
    )


def build_directory(environ: Mapping[str, str]) -> Directory:
    """Return the directory of users, for contexts that look them up.

    Raises:
        SettingsError: the table is not named.
    """
    table = Table(clients.dynamodb(), load(IdentityTable, environ).identity_table)
    return make_directory(table)


def make_directory(table: Table) -> Directory:
    """Return the directory over the identity table."""
    return Directory(IdentityStore(table), PreferenceStore(table))


def build_store(settings: VerifierSettings, outside: Outside) -> IdentityStore:
    """Return the store over the table that the settings name."""
    return IdentityStore(build_table(settings, outside))


def build_table(settings: VerifierSettings, outside: Outside) -> Table:
    """Return the identity table, for this context's stores."""
    return Table(outside.dynamodb, settings.identity_table)


def build_terms(settings: VerifierSettings) -> TokenTerms:
    """Return what signer and verifier agree on."""
    return TokenTerms(
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        leeway_s=settings.token_leeway_s,
    )
