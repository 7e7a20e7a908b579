"""What can go wrong on the way to a provider and back."""

from nightshift.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
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


class StateUsedError(BadRequestError):
    """This sign-in was finished before; begin again."""

    slug = "oidc_state_used"


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


class LinkUnverifiedError(ForbiddenError):
    """Verify the address of your account first; then link other ways to sign in."""

    slug = "oidc_link_unverified"


class SignInAgainError(ForbiddenError):
    """Your sign-in is too old for this, or has ended; sign in again, then do it."""

    slug = "sign_in_again"


class IdentityTakenError(ConflictError):
    """This identity signs in to another account."""

    slug = "oidc_identity_taken"


class TooManyIdentitiesError(ConflictError):
    """The account has as many identities as it can have; remove one first."""

    slug = "oidc_too_many_identities"


class IdentityNotFoundError(NotFoundError):
    """Your account has no such identity."""

    slug = "oidc_identity_not_found"


class LastWayInError(ConflictError):
    """This is your last way to sign in; set a password or link another identity first."""

    slug = "last_way_in"


class NoPagesError(InvalidInputError):
    """There are no pages here that a browser could go on to; leave `next` out."""

    slug = "oidc_no_pages"
