"""The directory: users as other contexts may look them up."""

from nightshift.core.access import UserId
from nightshift.identity.model import Preferences, User
from nightshift.identity.preference_store import PreferenceStore
from nightshift.identity.store import IdentityStore


class Directory:
    """Finds users by id, read consistently."""

    def __init__(self, store: IdentityStore, preferences: PreferenceStore) -> None:
        self._store = store
        self._preferences = preferences

    def find(self, user_id: UserId) -> User | None:
        """Return the user, or None when there is none (any more); disabled ones are found."""
        return self._store.find_user(user_id)

    def preferences(self, user_id: UserId) -> Preferences:
        """Return what the user prefers, the defaults where nothing was said."""
        return self._preferences.find(user_id) or Preferences(user_id=user_id)
