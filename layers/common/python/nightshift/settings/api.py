"""The routes of settings."""

from typing import Any

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Router
from nightshift.http.schemas import ApiModel
from nightshift.settings.schemas import (
    PublicSettingsOut,
    ServerSettingsOut,
    ServerSettingsPatch,
    UserSettingsOut,
    UserSettingsPatch,
)
from nightshift.settings.service import Settings

router: Router[Settings] = Router(tag="Settings")


@router.route("GET", "/settings/public", PUBLIC, answer=PublicSettingsOut)
def get_public_settings(settings: Settings, _request: Request) -> Reply:
    """Read what of the server's settings anybody may know.

    A change is seen within ten seconds or so.
    """
    return Reply(body=PublicSettingsOut.of(settings.reader.server()))


@router.route(
    "GET",
    "/settings/server",
    Permission.SERVER_SETTINGS_READ,
    answer=ServerSettingsOut,
    etag=True,
)
def get_server_settings(settings: Settings, _request: Request) -> Reply:
    """Read the server's settings."""
    found, version = settings.get_server()
    return Reply(body=ServerSettingsOut.of(found, version), version=version)


@router.route(
    "PATCH",
    "/settings/server",
    Permission.SERVER_SETTINGS_WRITE,
    body=ServerSettingsPatch,
    answer=ServerSettingsOut,
    etag=True,
    if_match=True,
    errors=(ConflictError,),
)
def change_server_settings(settings: Settings, request: Request[ServerSettingsPatch]) -> Reply:
    """Change the server's settings.

    Every function knows of it within ten seconds, unless the stack was set up otherwise.
    """
    found, version = settings.change_server(
        request.caller, _changes(request.body), expected_version=request.expected_version()
    )
    return Reply(body=ServerSettingsOut.of(found, version), version=version)


@router.route("GET", "/settings", Permission.SETTINGS_READ, answer=UserSettingsOut, etag=True)
def get_settings(settings: Settings, request: Request) -> Reply:
    """Read one's own settings."""
    found, version = settings.get_user(request.caller.user_id)
    return Reply(body=UserSettingsOut.of(found, version), version=version)


@router.route(
    "PATCH",
    "/settings",
    Permission.SETTINGS_WRITE,
    body=UserSettingsPatch,
    answer=UserSettingsOut,
    etag=True,
    if_match=True,
    errors=(ConflictError,),
)
def change_settings(settings: Settings, request: Request[UserSettingsPatch]) -> Reply:
    """Change one's own settings."""
    found, version = settings.change_user(
        request.caller.user_id,
        _changes(request.body),
        expected_version=request.expected_version(),
    )
    return Reply(body=UserSettingsOut.of(found, version), version=version)


def _changes(body: ApiModel) -> dict[str, Any]:
    """Return what the body names, null included."""
    return body.model_dump(mode="json", exclude_unset=True)
