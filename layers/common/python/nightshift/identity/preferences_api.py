"""The routes of one's own preferences."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.identity.edge import actor_of
from nightshift.identity.preferences import PreferenceService
from nightshift.identity.profile_schemas import PreferencesIn, PreferencesOut

router: Router[PreferenceService] = Router(tag="Users")


@router.route(
    "GET", "/users/me/preferences", Permission.PROFILE_READ, answer=PreferencesOut, etag=True
)
def get_preferences(preferences: PreferenceService, request: Request) -> Reply:
    """Read one's own preferences: time zone, language, and which mails are wanted."""
    found, mails = preferences.get(request.caller.user_id)
    return Reply(body=PreferencesOut.of(found, mails), version=found.version)


@router.route(
    "PUT",
    "/users/me/preferences",
    Permission.PROFILE_WRITE,
    body=PreferencesIn,
    answer=PreferencesOut,
    etag=True,
    if_match=True,
    errors=(ConflictError,),
)
def put_preferences(preferences: PreferenceService, request: Request[PreferencesIn]) -> Reply:
    """Set one's own preferences.

    What is left out becomes its default; a mail that is not named stays as it was chosen.
    """
    body = request.body
    kept, mails = preferences.put(
        actor_of(request),
        time_zone=body.time_zone,
        locale=body.locale,
        mails=body.email.chosen(),
        expected_version=request.expected_version(),
    )
    return Reply(body=PreferencesOut.of(kept, mails), version=kept.version)
