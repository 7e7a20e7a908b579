"""Users' pictures: uploaded straight to the bucket, looked at, and only then shown.

The form leads to a key of its own; what is shown lies at another one, which no form leads to, and
holds the very bytes that were looked at. So a form that is used again changes nothing. What is
uploaded and never completed is removed by the bucket after a day.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nightshift.core.access import UserId
from nightshift.core.errors import ConflictError
from nightshift.core.ids import new_id
from nightshift.core.pictures import NotAPictureError, Picture, read_picture
from nightshift.identity.errors import AvatarNotFoundError, PictureError, UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.model import Avatar, User
from nightshift.ports.uploads import UploadForm, Uploads

SHOWN_FOR_S = 3600
_ROUNDS = 5
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a picture may be: its bytes, its longest side in pixels; and how long a form is good."""

    max_bytes: int
    max_px: int
    form_ttl_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """A form, the upload that it makes, and until when it is good."""

    upload_id: str
    form: UploadForm
    expires_at: datetime


class Avatars:
    """What a user can do with the own picture; `uploads` is asked for when it is needed."""

    def __init__(self, *, ground: Ground, uploads: Callable[[], Uploads], limits: Limits) -> None:
        self._ground = ground
        self._uploads = uploads
        self.limits = limits

    def invite(self, user_id: UserId, content_type: str) -> Invitation:
        """Return a form for a picture of this media type."""
        now = self._ground.now()
        upload_id = new_id(now)
        form = self._uploads().form(
            _upload_key(user_id, upload_id),
            content_type=content_type,
            max_bytes=self.limits.max_bytes,
            expires_s=self.limits.form_ttl_s,
        )
        ends = now + timedelta(seconds=self.limits.form_ttl_s)
        return Invitation(upload_id=upload_id, form=form, expires_at=ends)

    def complete(self, user_id: UserId, upload_id: str) -> User:
        """Look at an upload and make it the user's picture; the old one is removed.

        Raises:
            UploadNotFoundError: nothing was uploaded.
            UploadTooLargeError: more was uploaded than is allowed.
            PictureError: it is no picture, or too large a one.
            UserNotFoundError: the account is gone.
            ConflictError: others changed the user at the same moments.
        """
        uploads = self._uploads()
        upload = _upload_key(user_id, upload_id)
        picture = self._looked_at(uploads.read(upload, max_bytes=self.limits.max_bytes))
        key = f"{_prefix(user_id)}{upload_id}.{_SUFFIXES[picture.content_type]}"
        uploads.keep(key, picture.data, content_type=picture.content_type)
        avatar = Avatar(
            key=key,
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
        )
        user = self._change(user_id, avatar)
        uploads.remove_under(_prefix(user_id), but=key)
        uploads.remove_under(upload)
        self._ground.log.info("avatar.set", user_id=user_id)
        return user

    def show(self, user_id: UserId) -> tuple[Avatar, str, datetime]:
        """Return the user's picture, an address of it, and until when that is good.

        Raises:
            AvatarNotFoundError: the user has none.
            UserNotFoundError: the account is gone.
        """
        user = self._get_user(user_id)
        if user.avatar is None:
            raise AvatarNotFoundError
        url = self._uploads().url(
            user.avatar.key, content_type=user.avatar.content_type, expires_s=SHOWN_FOR_S
        )
        return user.avatar, url, self._ground.now() + timedelta(seconds=SHOWN_FOR_S)

    def remove(self, user_id: UserId) -> None:
        """Take the user's picture away; that there is none is fine.

        Raises:
            UserNotFoundError: the account is gone.
            ConflictError: others changed the user at the same moments.
        """
        self._change(user_id, None)
        self._uploads().remove_under(_prefix(user_id))
        self._ground.log.info("avatar.removed", user_id=user_id)

    def forget(self, user_id: UserId) -> None:
        """Remove whatever lies in the bucket for a user who is gone."""
        forget_pictures(self._uploads(), user_id)

    def _looked_at(self, data: bytes) -> Picture:
        try:
            picture = read_picture(data)
        except NotAPictureError as error:
            raise PictureError(f"The upload is no picture: {error}.") from error
        longest = self.limits.max_px
        if not (1 <= picture.width <= longest and 1 <= picture.height <= longest):
            raise PictureError(
                f"The picture has {picture.width} x {picture.height} pixels; "
                f"{longest} x {longest} are the most."
            )
        return picture

    def _change(self, user_id: UserId, avatar: Avatar | None) -> User:
        for _ in range(_ROUNDS):
            before = self._get_user(user_id)
            if before.avatar == avatar:
                return before
            after = replace(
                before,
                avatar=avatar,
                version=before.version + 1,
                updated_at=self._ground.now(),
            )
            if self._ground.store.change_user(before, after):
                return after
        raise ConflictError

    def _get_user(self, user_id: UserId) -> User:
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user


def forget_pictures(uploads: Uploads, user_id: UserId) -> None:
    """Remove whatever lies in the bucket for a user who is gone."""
    for prefix in (_prefix(user_id), _upload_prefix(user_id)):
        uploads.remove_under(prefix)


def _prefix(user_id: UserId) -> str:
    return f"avatars/{user_id}/"


def _upload_prefix(user_id: UserId) -> str:
    return f"uploads/avatars/{user_id}/"


def _upload_key(user_id: UserId, upload_id: str) -> str:
    return _upload_prefix(user_id) + upload_id
