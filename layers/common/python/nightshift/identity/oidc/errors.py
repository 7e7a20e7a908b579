"""What can go wrong on the way to a provider and back."""

from nightshift.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
)
from nightshift.identity.oidc.model import Flaw


class ProviderNotFoundError(NotFoundError):
    """There is no sign-in provider of this name."""

    slug = "oidc_provider_not_found"


class ProviderUnavailableError(UnavailableError):
    """The sign-in provider does not answer as it should; try again later."""

    slug = "oidc_provider_unavailable"


class StateInvalidError(BadRequestError):
    """This sign-in was not begun in this browser, or took too long; begin again."""

    slug = "oidc_state_invalid"


class IssuerMismatchError(BadRequestError):
    """The answer comes from another provider than the one that was asked; begin again."""

    slug = "oidc_issuer_mismatch"


class ProviderRefusedError(ForbiddenError):
    """The sign-in provider did not let you in."""

    slug = "oidc_refused"


class CodeInvalidError(BadRequestError):
    """The provider's answer was used before, or is too old; begin again."""

    slug = "oidc_code_invalid"


class IdTokenInvalidError(BadRequestError):
    """The provider's word on who you are cannot be trusted; nobody was signed in."""

    slug = "oidc_id_token_invalid"

    def __init__(self, flaw: Flaw) -> None:
        """Keep the flaw for the log."""
        self.flaw = flaw
        super().__init__()


class EmailUnverifiedError(ForbiddenError):
    """The provider has not verified an email address of yours; verify it there, then come back."""

    slug = "oidc_email_unverified"


class AccountUnverifiedError(ConflictError):
    """An account here has your address, unverified; reset its password by mail, then come back."""

    slug = "oidc_account_unverified"
