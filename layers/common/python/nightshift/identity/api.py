"""All routes of identity that the accounts function serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nightshift.http.routing import Mounted, Router
from nightshift.identity.admin import Users
from nightshift.identity.admin_api import router as admin_router
from nightshift.identity.auth_api import refresh_router
from nightshift.identity.auth_api import router as auth_router
from nightshift.identity.avatars import Avatars
from nightshift.identity.avatars_api import router as avatars_router
from nightshift.identity.moving import Moving
from nightshift.identity.oidc.api import router as oidc_router
from nightshift.identity.oidc.desk import Desk
from nightshift.identity.oidc.identities_api import router as identities_router
from nightshift.identity.passwords_api import router as passwords_router
from nightshift.identity.preferences import PreferenceService
from nightshift.identity.preferences_api import router as preferences_router
from nightshift.identity.recovery import Recovery
from nightshift.identity.service import Accounts
from nightshift.identity.sessions import Sessions
from nightshift.identity.sessions_api import router as sessions_router
from nightshift.identity.sign_in import SignIn
from nightshift.identity.users_api import router as users_router
from nightshift.identity.verification import Verification
from nightshift.identity.verification_api import moving_router
from nightshift.identity.verification_api import router as verification_router

ROUTERS: Sequence[Router[Any]] = (
    auth_router,
    refresh_router,
    passwords_router,
    verification_router,
    moving_router,
    sessions_router,
    users_router,
    preferences_router,
    avatars_router,
    admin_router,
    oidc_router,
    identities_router,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The use cases behind the routes."""

    sign_in: SignIn
    sessions: Sessions
    recovery: Recovery
    verification: Verification
    moving: Moving
    accounts: Accounts
    preferences: PreferenceService
    avatars: Avatars
    users: Users
    desk: Callable[[], Desk]


def mounted(identity: Identity) -> list[Mounted]:
    """Return the routes, each with the use cases that it calls."""
    return [
        auth_router.bind(lambda: identity.sign_in),
        refresh_router.bind(lambda: identity.sessions),
        passwords_router.bind(lambda: identity.recovery),
        verification_router.bind(lambda: identity.verification),
        sessions_router.bind(lambda: identity.sessions),
        moving_router.bind(lambda: identity.moving),
        users_router.bind(lambda: identity.accounts),
        preferences_router.bind(lambda: identity.preferences),
        avatars_router.bind(lambda: identity.avatars),
        admin_router.bind(lambda: identity.users),
        oidc_router.bind(identity.desk),
        identities_router.bind(identity.desk),
    ]
