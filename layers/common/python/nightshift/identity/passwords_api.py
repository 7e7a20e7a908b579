"""The routes of passwords: change, forgot, reset."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Router
from nightshift.identity.edge import actor_of, client_of
from nightshift.identity.errors import (
    InvalidCredentialsError,
    LinkExpiredError,
    LinkMalformedError,
    LinkUnknownError,
    LinkUsedError,
    LinkVoidError,
    LinkWrongTypeError,
    TooManyAttemptsError,
)
from nightshift.identity.recovery import Recovery
from nightshift.identity.schemas import Accepted, ChangePasswordIn, ForgotIn, ResetIn

LINK_ERRORS = (
    LinkMalformedError,
    LinkWrongTypeError,
    LinkUnknownError,
    LinkUsedError,
    LinkExpiredError,
    LinkVoidError,
)

router: Router[Recovery] = Router(tag="Passwords")


@router.route(
    "POST",
    "/auth/password/change",
    Permission.PROFILE_WRITE,
    body=ChangePasswordIn,
    status=204,
    errors=(InvalidCredentialsError, TooManyAttemptsError, ConflictError),
)
def change_password(recovery: Recovery, request: Request[ChangePasswordIn]) -> Reply:
    """Set a new password by the current one.

    All other sessions of the user end; this one goes on.
    """
    recovery.change(
        actor_of(request),
        current=request.body.current_password,
        new=request.body.new_password,
    )
    return Reply()


@router.route(
    "POST",
    "/auth/password/forgot",
    PUBLIC,
    body=ForgotIn,
    answer=Accepted,
    status=202,
    limit="forgot",
    errors=(TooManyAttemptsError,),
)
def forgot_password(recovery: Recovery, request: Request[ForgotIn]) -> Reply:
    """Ask for a link by which a new password can be set.

    It is mailed to the address if an account has it, and is good for one use. The answer is the
    same, and takes as long, if none has.
    """
    recovery.forget(request.body.email, client_of(request.raw))
    return Reply(body=Accepted(detail="If an account has this address, a mail is on its way."))


@router.route(
    "POST",
    "/auth/password/reset",
    PUBLIC,
    body=ResetIn,
    status=204,
    idempotent=True,
    errors=(*LINK_ERRORS, ConflictError),
)
def reset_password(recovery: Recovery, request: Request[ResetIn]) -> Reply:
    """Set a new password by a mailed link.

    Every session of the user ends, and other links that were mailed before are void.
    """
    recovery.reset(request.body.token, request.body.password, client_of(request.raw))
    return Reply()
