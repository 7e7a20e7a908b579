"""Roles and permissions."""

import re

import pytest

from nightshift.core.access import (
    ADMIN_ONLY,
    Caller,
    Permission,
    Role,
    RoleName,
    UserId,
    granted,
    permissions_of,
)
from nightshift.core.errors import ForbiddenError


@pytest.mark.parametrize("permission", list(Permission))
def test_permissions_are_resource_and_action(permission: Permission) -> None:
    """Every permission reads `resource:action`, so that it can be an API key's scope."""
    assert re.fullmatch(r"[a-z-]+:[a-z-]+", permission)


def test_an_admin_may_everything() -> None:
    """Nothing is left out for admins."""
    assert frozenset(Permission) == permissions_of(Role.ADMIN)


def test_a_viewer_changes_nothing_but_the_own_account() -> None:
    """Viewers read, and look after their own profile and sessions."""
    writes = {p for p in permissions_of(Role.VIEWER) if not p.endswith(":read")}
    own = {"profile:write", "sessions:write", "settings:write", "api-keys:write"}
    assert own == writes


def test_a_member_may_everything_but_what_concerns_all() -> None:
    """Whoever adds a permission says whether it is the administrators' alone."""
    assert frozenset(Permission) - ADMIN_ONLY == permissions_of(Role.MEMBER)


def test_what_concerns_everybody_is_listed() -> None:
    """By hand, so that nothing gets onto the list or off it by accident."""
    assert {
        "users:read",
        "users:write",
        "roles:read",
        "roles:write",
        "server-settings:read",
        "server-settings:write",
        "audit:read-all",
        "suppressions:read",
        "suppressions:write",
        "queues:read",
        "queues:write",
    } == ADMIN_ONLY


def test_roles_add_up_and_unknown_ones_allow_nothing() -> None:
    """A role that was deleted is as if it had never been given."""
    reads = frozenset({Permission.USERS_READ})
    names = [RoleName("viewer"), RoleName("support"), RoleName("gone")]
    found = granted(names, {RoleName("support"): reads})
    assert permissions_of(Role.VIEWER) | reads == found
    assert frozenset() == granted([RoleName("gone")], {})


def test_a_key_has_no_session() -> None:
    """What needs the sign-in of the caller refuses callers without one."""
    caller = Caller(user_id=UserId("u"), roles=(), permissions=frozenset())
    with pytest.raises(ForbiddenError, match="sign-in"):
        assert caller.session_id
