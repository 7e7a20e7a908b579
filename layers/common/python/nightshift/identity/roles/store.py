"""Custom roles in the identity table."""

from collections.abc import Sequence
from dataclasses import replace

from nightshift.aws.dynamo import (
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    TransactPart,
    Update,
)
from nightshift.core.access import Permission, RoleName, granted, is_built_in
from nightshift.identity import keys
from nightshift.identity.roles.errors import (
    RoleExistsError,
    RoleInUseError,
    RoleLimitError,
    RoleNotFoundError,
)
from nightshift.identity.roles.items import from_role, to_role
from nightshift.identity.roles.model import CustomRole

_ROLE, _CATALOGUE = 0, 1


class RoleStore:
    """The custom roles. `also` are writes of others that belong to the same transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[CustomRole]:
        """Return all custom roles by name."""
        found = self._table.query(keys.ROLES_PK, prefix=keys.ROLE_PREFIX, consistent=True)
        return [to_role(item) for item in found]

    def find(self, name: RoleName) -> CustomRole | None:
        """Return the custom role, or None."""
        item = self._table.get(keys.role(name), consistent=True)
        return None if item is None else to_role(item)

    def find_many(self, names: Sequence[RoleName]) -> dict[RoleName, CustomRole]:
        """Return those of the custom roles that exist."""
        items = self._table.get_many([keys.role(name) for name in names], consistent=True)
        return {role.name: role for role in map(to_role, items)}

    def permissions_of(self, roles: Sequence[RoleName]) -> frozenset[Permission]:
        """Return what somebody with these roles may."""
        custom = self.find_many([name for name in roles if not is_built_in(name)])
        return granted(roles, {name: role.permissions for name, role in custom.items()})

    def add(self, role: CustomRole, *, limit: int, also: Sequence[TransactPart]) -> None:
        """Store a new role.

        Raises:
            RoleExistsError: there is one of this name.
            RoleLimitError: there are `limit` roles.
        """
        try:
            self._table.transact(
                [
                    Put(table=self._table.name, item=from_role(role), condition=NOT_EXISTS),
                    self._count(
                        1,
                        Condition(
                            expression="attribute_not_exists(kept) OR kept < :limit",
                            values={":limit": limit},
                        ),
                    ),
                    *also,
                ]
            )
        except ConditionFailedError as refused:
            if refused.index == _CATALOGUE:
                raise RoleLimitError from refused
            if refused.index == _ROLE:
                raise RoleExistsError from refused
            raise

    def change(
        self, before: CustomRole, after: CustomRole, *, also: Sequence[TransactPart]
    ) -> bool:
        """Write what `after` says and allows if the role has not changed since `before`.

        How many hold it is left as it stands. Tells whether it was so.

        Raises:
            RoleNotFoundError: it was deleted meanwhile.
        """
        update = Update(
            table=self._table.name,
            key=keys.role(after.name),
            expression=(
                "SET description = :description, #permissions = :permissions, "
                "#version = :version, updated_ms = :updated"
            ),
            condition=_unchanged(before),
            names={"#version": "version", "#permissions": "permissions"},
            values={
                ":description": after.description,
                ":permissions": from_role(after)["permissions"],
                ":version": after.version,
                ":updated": from_role(after)["updated_ms"],
            },
        )
        try:
            self._table.transact([update, *also])
        except ConditionFailedError as refused:
            if refused.index != _ROLE:
                raise
            if refused.item is None:
                raise RoleNotFoundError from refused
            return False
        return True

    def delete(self, role: CustomRole, *, also: Sequence[TransactPart]) -> bool:
        """Delete a role that nobody has, if it has not changed; tell whether it was so.

        Raises:
            RoleInUseError: somebody has it.
            RoleNotFoundError: it was deleted meanwhile.
        """
        unchanged = _unchanged(role)
        unused = replace(
            unchanged,
            expression=unchanged.expression + " AND holders = :none",
            values={**unchanged.values, ":none": 0},
        )
        delete = Delete(table=self._table.name, key=keys.role(role.name), condition=unused)
        try:
            self._table.transact([delete, self._count(-1, None), *also])
        except ConditionFailedError as refused:
            if refused.index != _ROLE:
                raise
            if refused.item is None:
                raise RoleNotFoundError from refused
            if to_role(refused.item).holders:
                raise RoleInUseError from refused
            return False
        return True

    def _count(self, change: int, condition: Condition | None) -> Update:
        return Update(
            table=self._table.name,
            key=keys.role_catalogue(),
            expression="ADD kept :change",
            condition=condition,
            values={":change": change},
        )


def _unchanged(role: CustomRole) -> Condition:
    return Condition(
        expression="#version = :seen",
        names={"#version": "version"},
        values={":seen": role.version},
    )
