"""The directory: users as other contexts may look them up."""

from nightshift.core.access import UserId
from nightshift.identity.model import User
from nightshift.identity.store import IdentityStore


class Directory:
    """Finds users by id, read consistently."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store

    def find(self, user_id: UserId) -> User | None:
        """Return the user, or None when there is none (any more); disabled ones are found."""
        return self._store.find_user(user_id)
