"""Who is calling, and what they may do: the words that the HTTP edge and the contexts share.

A permission that nothing below gives to members or viewers is the administrators' alone: that is
what a new one is until somebody says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from nightshift.core.errors import ForbiddenError

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
ApiKeyId = NewType("ApiKeyId", str)
RoleName = NewType("RoleName", str)


class Permission(StrEnum):
    """The closed list of what can be allowed, as `resource:action`; also the scopes of API keys."""

    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MEMOS_READ = "memos:read"
    MEMOS_WRITE = "memos:write"
    CARDS_READ = "cards:read"
    CARDS_WRITE = "cards:write"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    QUEUES_READ = "queues:read"
    QUEUES_WRITE = "queues:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    SERVER_SETTINGS_READ = "server-settings:read"
    SERVER_SETTINGS_WRITE = "server-settings:write"
    AUDIT_READ_ALL = "audit:read-all"


class Role(StrEnum):
    """The built-in roles."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


ADMIN_ONLY = frozenset(
    {
        Permission.SUPPRESSIONS_READ,
        Permission.SUPPRESSIONS_WRITE,
        Permission.USERS_READ,
        Permission.USERS_WRITE,
        Permission.ROLES_READ,
        Permission.ROLES_WRITE,
        Permission.SERVER_SETTINGS_READ,
        Permission.SERVER_SETTINGS_WRITE,
        Permission.AUDIT_READ_ALL,
        Permission.QUEUES_READ,
        Permission.QUEUES_WRITE,
    }
)
"""What concerns everybody; a custom role may hold it, members and viewers never do."""

_OWN_ACCOUNT = frozenset(
    {
        Permission.PROFILE_READ,
        Permission.PROFILE_WRITE,
        Permission.SESSIONS_READ,
        Permission.SESSIONS_WRITE,
        Permission.API_KEYS_READ,
        Permission.API_KEYS_WRITE,
        Permission.SETTINGS_READ,
        Permission.SETTINGS_WRITE,
        Permission.AUDIT_READ,
    }
)
_OWN_READ = frozenset(
    {
        Permission.TASKS_READ,
        Permission.JOBS_READ,
        Permission.MEMOS_READ,
        Permission.CARDS_READ,
        Permission.REPORTS_READ,
    }
)
_OWN_WRITE = frozenset(
    {
        Permission.TASKS_WRITE,
        Permission.JOBS_WRITE,
        Permission.MEMOS_WRITE,
        Permission.CARDS_WRITE,
        Permission.REPORTS_WRITE,
    }
)
_GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.MEMBER: _OWN_ACCOUNT | _OWN_READ | _OWN_WRITE,
    Role.VIEWER: _OWN_ACCOUNT | _OWN_READ,
}

NEVER_FOR_KEYS = frozenset(
    {
        Permission.API_KEYS_WRITE,
        Permission.PROFILE_WRITE,
        Permission.ROLES_WRITE,
        Permission.SESSIONS_READ,
        Permission.SESSIONS_WRITE,
    }
)
"""What takes a person who signed in.

With the writes whoever found a key could make access that outlives the key: another key, a role for
an accomplice, the account itself. Where a person signs in from is no program's affair.
"""


def permissions_of(role: Role) -> frozenset[Permission]:
    """Return what `role` allows; everything else is denied."""
    return _GRANTS[role]


def granted(
    roles: Iterable[RoleName], custom: Mapping[RoleName, frozenset[Permission]]
) -> frozenset[Permission]:
    """Return what all of `roles` allow together.

    A role that is neither built in nor in `custom` allows nothing.
    """
    found: frozenset[Permission] = frozenset()
    for name in roles:
        found |= _GRANTS[Role(name)] if is_built_in(name) else custom.get(name, frozenset())
    return found


def is_built_in(name: str) -> bool:
    """Tell whether the role comes with the product."""
    return name in _GRANTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An authenticated user, as the session or the API key stands at this moment.

    Attributes:
        session: the sign-in; None when the caller uses an API key.
        api_key: the key; None when the caller has signed in.
        permissions: what this request may do: with a key, what the user may and the key's scopes
            both allow.
        address: from where the request came, as the gateway saw it.
        epoch: of the session, by which what it makes is known to be of before or after a break.
    """

    user_id: UserId
    session: SessionId | None = None
    api_key: ApiKeyId | None = None
    roles: tuple[RoleName, ...]
    permissions: frozenset[Permission]
    email_verified: bool = False
    address: str = ""
    epoch: int = 0

    @property
    def session_id(self) -> SessionId:
        """The sign-in.

        Raises:
            ForbiddenError: the caller uses an API key.
        """
        if self.session is None:
            raise ForbiddenError("This takes a sign-in; an API key has no session.")
        return self.session
