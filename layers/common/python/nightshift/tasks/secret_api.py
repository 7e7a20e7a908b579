"""The routes of the secret that an owner's task calls are signed with."""

from nightshift.core.access import Permission, UserId
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody
from nightshift.tasks.secret_schemas import SecretOut
from nightshift.tasks.wiring import Context

router: Router[Context] = Router(tag="Tasks")


@router.route("GET", "/tasks/signing-secret", Permission.TASKS_WRITE, answer=SecretOut)
def get_signing_secret(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Get the secret that the caller's task calls are signed with."""
    return _secret(nightshift, request.caller.user_id)


@router.route(
    "POST",
    "/tasks/signing-secret",
    Permission.TASKS_WRITE,
    answer=SecretOut,
    idempotent=True,
    sealed=True,
)
def rotate_signing_secret(nightshift: Context, request: Request[NoBody]) -> Reply:
    """Make a new signing secret; the old one signs along for a day.

    Calls may carry the old signature alone for a minute yet: accept both from now on.
    """
    nightshift.secrets.rotate(request.caller.user_id)
    return _secret(nightshift, request.caller.user_id)


def _secret(nightshift: Context, owner_id: UserId) -> Reply:
    state = nightshift.secrets.state(owner_id)
    return Reply(
        body=SecretOut(
            secret=nightshift.secrets.current(owner_id),
            generation=state.generation,
            rotated_at=state.rotated_at,
            previous_valid_until=state.earlier[0][1] if state.earlier else None,
        )
    )
