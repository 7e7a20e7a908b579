"""Who is calling, and what they may do: the words that the HTTP edge and the contexts share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)


class Permission(StrEnum):
    """The closed list of what can be allowed, as `resource:action`; also the scopes of API keys."""

    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MEMOS_READ = "memos:read"
    MEMOS_WRITE = "memos:write"
    CARDS_READ = "cards:read"
    CARDS_WRITE = "cards:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    QUEUES_READ = "queues:read"
    QUEUES_WRITE = "queues:write"


class Role(StrEnum):
    """The built-in roles."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


ADMIN_ONLY = frozenset(
    {
        Permission.SUPPRESSIONS_READ,
        Permission.SUPPRESSIONS_WRITE,
        Permission.QUEUES_READ,
        Permission.QUEUES_WRITE,
    }
)
"""What concerns everybody; members and viewers never hold it."""

_VIEWER = frozenset(p for p in Permission if p.endswith(":read")) - ADMIN_ONLY
_OWN_ACCOUNT = frozenset({Permission.PROFILE_WRITE, Permission.SESSIONS_WRITE})
_GRANTS = {
    Role.ADMIN: frozenset(Permission),
    Role.MEMBER: frozenset(Permission) - ADMIN_ONLY,
    Role.VIEWER: _VIEWER | _OWN_ACCOUNT,
}


def permissions_of(role: Role) -> frozenset[Permission]:
    """Return what `role` allows; everything else is denied."""
    return _GRANTS[role]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An authenticated user, as the session stands at this moment."""

    user_id: UserId
    session_id: SessionId
    role: Role
    permissions: frozenset[Permission]
