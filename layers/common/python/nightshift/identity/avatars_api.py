"""The routes of one's own picture."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.identity.avatars import Avatars
from nightshift.identity.errors import AvatarNotFoundError, PictureError, UserNotFoundError
from nightshift.identity.profile_schemas import AvatarIn, AvatarOut, FormOut, UploadedIn
from nightshift.identity.schemas import UserOut
from nightshift.ports.uploads import UploadNotFoundError, UploadTooLargeError

router: Router[Avatars] = Router(tag="Users")


@router.route(
    "POST",
    "/users/me/avatar",
    Permission.PROFILE_WRITE,
    body=AvatarIn,
    answer=FormOut,
    status=201,
    idempotent=True,
)
def begin_avatar(avatars: Avatars, request: Request[AvatarIn]) -> Reply:
    """Get a form by which a picture can be uploaded.

    Send all `fields`, then the picture as `file`, to `url` as multipart/form-data. Then complete.
    """
    invitation = avatars.invite(request.caller.user_id, request.body.content_type)
    return Reply(body=FormOut.of(invitation, avatars.limits.max_bytes))


@router.route(
    "POST",
    "/users/me/avatar/complete",
    Permission.PROFILE_WRITE,
    body=UploadedIn,
    answer=UserOut,
    etag=True,
    idempotent=True,
    errors=(UploadNotFoundError, UploadTooLargeError, PictureError, ConflictError),
)
def complete_avatar(avatars: Avatars, request: Request[UploadedIn]) -> Reply:
    """Make what was uploaded one's own picture.

    It must be a PNG, JPEG or WebP by its own bytes, and no larger than allowed. What cameras write
    beside a picture is left out. The old picture is removed.
    """
    user = avatars.complete(request.caller.user_id, request.body.upload_id)
    return Reply(body=UserOut.of(user), version=user.version)


@router.route(
    "GET",
    "/users/me/avatar",
    Permission.PROFILE_READ,
    answer=AvatarOut,
    errors=(AvatarNotFoundError, UserNotFoundError),
)
def get_avatar(avatars: Avatars, request: Request) -> Reply:
    """Get an address at which one's own picture can be seen for an hour."""
    avatar, url, ends = avatars.show(request.caller.user_id)
    return Reply(
        body=AvatarOut(
            url=url,
            content_type=avatar.content_type,
            width=avatar.width,
            height=avatar.height,
            expires_at=ends,
        )
    )


@router.route(
    "DELETE", "/users/me/avatar", Permission.PROFILE_WRITE, status=204, errors=(ConflictError,)
)
def delete_avatar(avatars: Avatars, request: Request) -> Reply:
    """Remove one's own picture; that there is none is fine."""
    avatars.remove(request.caller.user_id)
    return Reply()
