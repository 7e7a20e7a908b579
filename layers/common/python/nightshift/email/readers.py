"""Readers as identity knows them, with what they chose."""

from nightshift.core.access import UserId
from nightshift.email.choices import ChoiceStore
from nightshift.email.model import Category, Reader
from nightshift.identity.directory import Directory


class IdentityReaders:
    """Users of the directory; who is gone or disabled is no reader."""

    def __init__(
        self, directory: Directory, choices: ChoiceStore, *, all_verified: bool = False
    ) -> None:
        """Take where users are; `all_verified` is for the local stack, which writes to nobody."""
        self._directory = directory
        self._choices = choices
        self._all_verified = all_verified

    def find(self, user_id: str) -> Reader | None:
        """Return the user; see `model.Readers`."""
        user = self._directory.find(UserId(user_id))
        if user is None or user.disabled:
            return None
        preferences = self._directory.preferences(user.user_id)
        return Reader(
            user_id=user_id,
            email=user.email,
            name=user.name,
            locale=preferences.locale,
            time_zone=preferences.time_zone,
            choices=dict.fromkeys(self._choices.unwanted(user_id), False),
            verified=user.email_verified or self._all_verified,
        )

    def stop(self, user_id: str, category: Category) -> None:
        """Note that the user wants no more of `category`."""
        self._choices.stop(user_id, category)
