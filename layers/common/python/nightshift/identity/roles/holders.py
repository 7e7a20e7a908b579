"""How roles know who holds them: counts that go with every write of a user.

A custom role counts its users, so that one that is in use cannot be deleted and one that was
deleted cannot be given. `admin` counts the users who have it and are not disabled: the
transaction that would take away the last one is refused, however many run at once.
"""

from nightshift.aws.dynamo import EXISTS, Condition, Update
from nightshift.core.access import Role, RoleName, is_built_in
from nightshift.identity import keys
from nightshift.identity.model import User

ADMIN = RoleName(Role.ADMIN)


def holder_parts(table: str, before: User | None, after: User | None) -> list[Update]:
    """Return the counts to be written together with a user that changes from `before` to `after`.

    None is a user who does not exist. Most changes touch no role and give nothing.
    """
    had, has = _counted(before), _counted(after)
    gained = [_count(table, name, 1) for name in sorted(has - had)]
    return gained + [_count(table, name, -1) for name in sorted(had - has)]


def is_admins(part: Update) -> bool:
    """Tell whether this part counts administrators."""
    return part.key == keys.admins()


def _counted(user: User | None) -> frozenset[RoleName]:
    """Return the roles in whose count the user is."""
    if user is None:
        return frozenset()
    custom = {name for name in user.roles if not is_built_in(name)}
    rules = ADMIN in user.roles and not user.disabled
    return frozenset(custom | ({ADMIN} if rules else set()))


def _count(table: str, name: RoleName, change: int) -> Update:
    condition: Condition | None = EXISTS
    if name == ADMIN:
        others = Condition(expression="holders > :one", values={":one": 1})
        condition = others if change < 0 else None
    return Update(
        table=table,
        key=keys.admins() if name == ADMIN else keys.role(name),
        expression="ADD holders :change",
        condition=condition,
        values={":change": change},
    )
