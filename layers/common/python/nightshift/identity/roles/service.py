"""Roles: making, changing and giving them.

Two rules hold whatever the caller's permissions are. Nobody gives, changes or takes away what goes
beyond his own permissions, so that no chain of roles leads upwards; and one administrator who
can sign in is always left. Every change is written with its audit event or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from nightshift.audit.service import Audit
from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import Caller, Permission, RoleName, UserId, granted, is_built_in
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.errors import ConflictError, FieldError, PreconditionFailedError
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.model import User
from nightshift.identity.roles.errors import (
    PermissionNotHeldError,
    RoleBuiltInError,
    RoleExistsError,
    RoleNotFoundError,
    UnknownRoleError,
)
from nightshift.identity.roles.model import AnyRole, CustomRole, built_in_roles
from nightshift.identity.roles.store import RoleStore
from nightshift.identity.store import IdentityStore

MAX_ROLES = 100
"""Custom roles of a stack."""
MAX_ROLES_OF_USER = 10
_BUILT_IN = {role.name: role for role in built_in_roles()}


class Roles:
    """The roles of a stack and who has them. Permissions are checked before, at the edge."""

    def __init__(
        self, *, store: RoleStore, users: IdentityStore, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._users = users
        self._audit = audit
        self._clock = clock

    def page(self, *, after: RoleName | None, limit: int) -> tuple[list[AnyRole], RoleName | None]:
        """Return up to `limit` roles and where the next page begins.

        Those of the product come first, then the others by name.
        """
        found: list[AnyRole] = [*_BUILT_IN.values(), *self._store.all()]
        if after is not None:
            found = [role for role in found if _place(role.name) > _place(after)]
        return found[:limit], found[limit - 1].name if len(found) > limit else None

    def get(self, name: RoleName) -> AnyRole:
        """Return the role.

        Raises:
            RoleNotFoundError: there is none.
        """
        found = _BUILT_IN.get(name) or self._store.find(name)
        if found is None:
            raise RoleNotFoundError
        return found

    def create(
        self,
        by: Caller,
        *,
        origin: str,
        name: RoleName,
        description: str,
        permissions: frozenset[Permission],
    ) -> CustomRole:
        """Make a role; `origin` is the same again when the request is run again.

        Raises:
            PermissionNotHeldError: it would allow what the caller may not.
            RoleExistsError: there is one of this name.
            RoleLimitError: there are too many.
        """
        check_held(by, permissions)
        if is_built_in(name):
            raise RoleExistsError
        now = self._now()
        role = CustomRole(
            name=name,
            origin=origin,
            description=description,
            permissions=permissions,
            holders=0,
            version=1,
            created_at=now,
            updated_at=now,
        )
        try:
            self._store.add(role, limit=MAX_ROLES, also=self._event("role.created", by, role))
        except RoleExistsError:
            found = self._store.find(name)
            if found is None or found.origin != origin:
                raise
            return found
        return role

    def change(
        self,
        by: Caller,
        name: RoleName,
        *,
        description: str | None,
        permissions: frozenset[Permission] | None,
        expected_version: int | None,
    ) -> CustomRole:
        """Change what is given; it counts for everybody who has the role at once.

        Raises:
            PermissionNotHeldError: it allows, or would allow, what the caller may not.
            RoleNotFoundError, RoleBuiltInError, PreconditionFailedError, ConflictError.
        """
        before = self._custom(name, expected_version)
        after = replace(
            before,
            description=before.description if description is None else description,
            permissions=before.permissions if permissions is None else permissions,
        )
        check_held(by, before.permissions ^ after.permissions)
        if after == before:
            return before
        after = replace(after, version=before.version + 1, updated_at=self._now())
        event = self._event("role.changed", by, after, before)
        if not self._store.change(before, after, also=event):
            raise ConflictError
        return after

    def delete(self, by: Caller, name: RoleName, *, expected_version: int | None) -> None:
        """Delete a role that nobody has.

        Raises:
            RoleInUseError: somebody has it.
            PermissionNotHeldError, RoleNotFoundError, RoleBuiltInError, PreconditionFailedError,
            ConflictError.
        """
        role = self._custom(name, expected_version)
        check_held(by, role.permissions)
        if not self._store.delete(role, also=self._event("role.deleted", by, role)):
            raise ConflictError

    def holder(self, user_id: UserId) -> User:
        """Return a user, to see which roles he has.

        Raises:
            UserNotFoundError: there is none.
        """
        user = self._users.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    def assign(
        self,
        by: Caller,
        user_id: UserId,
        roles: Sequence[RoleName],
        *,
        expected_version: int | None,
    ) -> User:
        """Give a user exactly these roles; it counts at once.

        Raises:
            UnknownRoleError: there is no such role.
            PermissionNotHeldError: a role to be given or taken goes beyond the caller.
            LastAdminError: nobody would be left who can administer.
            UserNotFoundError, PreconditionFailedError, ConflictError.
        """
        before = self.holder(user_id)
        if expected_version not in {None, before.version}:
            raise PreconditionFailedError
        after = replace(before, roles=tuple(sorted(set(roles))))
        changed = set(before.roles) ^ set(after.roles)
        if not changed:
            return before
        custom = self._permissions(changed)
        _check_known(after.roles, known={*before.roles, *custom})
        check_held(by, granted(changed, custom))
        after = replace(after, version=before.version + 1, updated_at=self._now())
        event = self._audit.parts(
            "user.roles_changed",
            actor_id=by.user_id,
            subject=f"user:{user_id}",
            address=by.address,
            detail={"before": list(before.roles), "after": list(after.roles), **_with_key(by)},
        )
        if not self._users.change_user(before, after, also=event):
            raise ConflictError
        return after

    def permissions_of(self, roles: Iterable[RoleName]) -> frozenset[Permission]:
        """Return what somebody with these roles may."""
        names = set(roles)
        return granted(names, self._permissions(names))

    def _permissions(self, names: set[RoleName]) -> dict[RoleName, frozenset[Permission]]:
        custom = [name for name in sorted(names) if not is_built_in(name)]
        found = self._store.find_many(custom)
        return {name: role.permissions for name, role in found.items()}

    def _custom(self, name: RoleName, expected_version: int | None) -> CustomRole:
        role = self.get(name)
        if not isinstance(role, CustomRole):
            raise RoleBuiltInError
        if expected_version not in {None, role.version}:
            raise PreconditionFailedError
        return role

    def _event(
        self, action: str, by: Caller, role: CustomRole, before: CustomRole | None = None
    ) -> Sequence[TransactPart]:
        seen = before.permissions if before else frozenset[Permission]()
        detail: Mapping[str, object] = {
            "permissions": sorted(role.permissions),
            "added": sorted(role.permissions - seen),
            "removed": sorted(seen - role.permissions),
            **_with_key(by),
        }
        return self._audit.parts(
            action,
            actor_id=by.user_id,
            subject=f"role:{role.name}",
            address=by.address,
            detail=detail,
        )

    def _now(self) -> datetime:
        return from_ms(to_ms(self._clock.now()))


def check_held(caller: Caller, permissions: Iterable[Permission]) -> None:
    """Accept what the caller may hand on.

    Raises:
        PermissionNotHeldError: naming what goes beyond.
    """
    missing = set(permissions) - caller.permissions
    if missing:
        raise PermissionNotHeldError(missing)


def _place(name: RoleName) -> tuple[bool, str]:
    return not is_built_in(name), name


def _check_known(roles: Iterable[RoleName], *, known: set[RoleName]) -> None:
    wrong = [name for name in roles if name not in known and not is_built_in(name)]
    if wrong:
        message = f"There is no role {', '.join(wrong)}."
        raise UnknownRoleError(message, errors=[FieldError(field="roles", message=message)])


def _with_key(by: Caller) -> Mapping[str, object]:
    return {"api_key": by.api_key} if by.api_key else {}
