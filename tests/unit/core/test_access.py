"""Roles and permissions."""

import re

import pytest

from nightshift.core.access import Permission, Role, permissions_of


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
    assert {Permission.PROFILE_WRITE, Permission.SESSIONS_WRITE} == writes
