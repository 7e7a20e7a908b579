"""Leaving: what a deleted user leaves behind is removed by a job, however often it is cut off."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import UserId
from nightshift.identity.leaving_store import LeavingStore

Step = Callable[[UserId], None]
"""Removes what one context keeps of a user who is gone; running it again does the rest."""


class Leaver(Protocol):
    """Sees to it that what a user leaves behind is removed."""

    def leave(self, user_id: UserId, writes: Sequence[TransactPart]) -> None:
        """Do the writes that delete the account, together with the job that removes the rest.

        Raises:
            ConditionFailedError: one of `writes` was refused; `index` says which.
        """
        ...


class Purge:
    """Removes what identity keeps of a user who is gone, then what others do."""

    def __init__(self, *, store: LeavingStore, steps: Iterable[Step] = ()) -> None:
        self._store = store
        self._steps = tuple(steps)

    def __call__(self, user_id: UserId, *, others: Iterable[Step] = ()) -> None:
        """Remove all of it, and what `others` do; a user who is still there loses nothing."""
        if self._store.is_there(user_id):
            return
        for step in (*others, *self._steps):
            step(user_id)
        self._store.remove_all(user_id)


class AtOnce:
    """Removes what is left in the same request, for a product without jobs."""

    def __init__(self, commit: Callable[[Sequence[TransactPart]], None], purge: Purge) -> None:
        self._commit = commit
        self._purge = purge

    def leave(self, user_id: UserId, writes: Sequence[TransactPart]) -> None:
        """Delete and remove; see `Leaver`."""
        self._commit(writes)
        self._purge(user_id)
