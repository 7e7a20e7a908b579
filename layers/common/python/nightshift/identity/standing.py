"""How a user stands at this moment: the account, what proves the request, and what its roles allow.

All of it is read consistently in one BatchGet. For that the keys must be known beforehand; what a
process has seen of a user or a key (which custom roles the user has, whose key it is) tells it what
to ask for, and what has changed meanwhile is read after it. So a change counts at once, and only
the first request of a process costs a second read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from nightshift.aws.dynamo import Item, Table
from nightshift.core.access import (
    ApiKeyId,
    Permission,
    RoleName,
    SessionId,
    UserId,
    granted,
    is_built_in,
)
from nightshift.identity import keys
from nightshift.identity.api_keys.items import to_key
from nightshift.identity.api_keys.model import ApiKey
from nightshift.identity.items import to_session, to_user
from nightshift.identity.model import Session, User
from nightshift.identity.roles.items import to_permissions

MAX_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """The last few things that a process has seen, up to `limit`; the oldest go first."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._known: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what was put last, if it is still known."""
        return self._known.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember `value`."""
        self._known.pop(key, None)
        while len(self._known) >= self._limit:
            self._known.pop(next(iter(self._known)), None)
        self._known[key] = value


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStanding:
    """A session whose user is there; neither is judged."""

    user: User
    session: Session
    permissions: frozenset[Permission]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyStanding:
    """An API key, and its owner if there still is one; neither is judged."""

    user: User | None
    key: ApiKey
    permissions: frozenset[Permission]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    user: User | None
    proof: Item | None
    permissions: frozenset[Permission]


class StandingStore:
    """Reads the standing behind a session or an API key."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._roles: Memory[UserId, tuple[RoleName, ...]] = Memory()
        self._owners: Memory[str, tuple[UserId, ApiKeyId]] = Memory()

    def of_session(self, user_id: UserId, session_id: SessionId) -> SessionStanding | None:
        """Return the standing, or None when the user or the session is gone."""
        read = self._read(user_id, keys.session(user_id, session_id))
        if read.user is None or read.proof is None:
            return None
        return SessionStanding(
            user=read.user, session=to_session(read.proof), permissions=read.permissions
        )

    def of_key(self, secret_hash: str) -> KeyStanding | None:
        """Return the standing, or None when no key has a secret of this hash."""
        owner = self._owners.get(secret_hash) or self._find_owner(secret_hash)
        if owner is None:
            return None
        read = self._read(owner[0], keys.api_key(*owner))
        if read.proof is None:
            return None
        return KeyStanding(user=read.user, key=to_key(read.proof), permissions=read.permissions)

    def _find_owner(self, secret_hash: str) -> tuple[UserId, ApiKeyId] | None:
        item = self._table.get(keys.api_key_secret(secret_hash), consistent=True)
        if item is None or "owner_id" not in item:
            return None
        owner = UserId(item["owner_id"]), ApiKeyId(item["key_id"])
        self._owners.put(secret_hash, owner)
        return owner

    def _read(self, user_id: UserId, proof: keys.Key) -> _Read:
        expected = self._roles.get(user_id) or ()
        wanted = [keys.user(user_id), proof, *map(keys.role, expected)]
        found = self._get(wanted)
        user_item = found.get(_name(wanted[0]))
        user = None if user_item is None else to_user(user_item)
        custom = () if user is None else tuple(r for r in user.roles if not is_built_in(r))
        if custom != expected:
            found |= self._get([keys.role(r) for r in custom if r not in expected])
            self._roles.put(user_id, custom)
        roles = {
            name: to_permissions(found[_name(keys.role(name))])
            for name in custom
            if _name(keys.role(name)) in found
        }
        return _Read(
            user=user,
            proof=found.get(_name(proof)),
            permissions=granted(() if user is None else user.roles, roles),
        )

    def _get(self, wanted: Iterable[keys.Key]) -> dict[tuple[str, str], Item]:
        found = self._table.get_many(list(wanted), consistent=True)
        return {_name(item): item for item in found}


def _name(item: Item | keys.Key) -> tuple[str, str]:
    return item["pk"], item["sk"]
