"""The routes of verifying an address."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Router
from nightshift.identity.edge import actor_of, client_of
from nightshift.identity.errors import (
    EmailTakenError,
    EmailVerifiedError,
    InvalidCredentialsError,
    TooManyAttemptsError,
)
from nightshift.identity.moving import Moving
from nightshift.identity.passwords_api import LINK_ERRORS
from nightshift.identity.profile_schemas import MoveIn
from nightshift.identity.schemas import Accepted, VerifyIn
from nightshift.identity.verification import Verification

router: Router[Verification] = Router(tag="E-mail addresses")
moving_router: Router[Moving] = Router(tag="E-mail addresses")


@router.route(
    "POST",
    "/auth/verify-email",
    PUBLIC,
    body=VerifyIn,
    status=204,
    idempotent=True,
    errors=(*LINK_ERRORS, EmailTakenError, ConflictError),
)
def verify_email(verification: Verification, request: Request[VerifyIn]) -> Reply:
    """Verify an address by a mailed link.

    A link that was mailed to a new address makes it the user's.
    """
    verification.verify(request.body.token, client_of(request.raw))
    return Reply()


@router.route(
    "POST",
    "/auth/verify-email/resend",
    Permission.PROFILE_WRITE,
    answer=Accepted,
    status=202,
    errors=(EmailVerifiedError, TooManyAttemptsError),
)
def resend_verification(verification: Verification, request: Request) -> Reply:
    """Mail another link that verifies the address; older ones stay good."""
    verification.resend(actor_of(request))
    return Reply(body=Accepted(detail="A mail is on its way."))


@moving_router.route(
    "POST",
    "/users/me/email",
    Permission.PROFILE_WRITE,
    body=MoveIn,
    answer=Accepted,
    status=202,
    errors=(InvalidCredentialsError, TooManyAttemptsError, ConflictError),
)
def change_email(moving: Moving, request: Request[MoveIn]) -> Reply:
    """Move to another address.

    A link is mailed there; when it is used, the address is yours and verified, and the old one is
    free. Until then nothing changes. Your present address takes it back.
    """
    moving.begin(
        actor_of(request), email=request.body.email, password=request.body.current_password
    )
    return Reply(body=Accepted(detail="A mail is on its way to the new address."))
