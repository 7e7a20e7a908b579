"""Keeps what was read from GitHub's answers in the cache."""

import json

from nightshift.adapters.github_http import Kept
from nightshift.cache.model import Marks, State
from nightshift.cache.service import Cache
from nightshift.reports import keys

KEEP_S = 7 * 86_400
"""For how long an answer may be asked for by its entity tag."""


class CachedAnswers:
    """The `HttpCache` of the GitHub client; `fresh_s` seconds long an answer counts as young."""

    def __init__(self, cache: Cache, *, fresh_s: float) -> None:
        self._cache = cache
        self._fresh_s = fresh_s

    def find(self, name: str) -> Kept | None:
        """Return what is kept, or None."""
        found = self._cache.get_exact(keys.github(name))
        if found.entry is None:
            return None
        said = json.loads(found.entry.body)
        return Kept(
            data=said["d"], etag=said["e"], last_page=said["p"], is_fresh=found.state is State.FRESH
        )

    def keep(self, name: str, kept: Kept) -> None:
        """Keep it, young from now on."""
        said = {"d": kept.data, "e": kept.etag, "p": kept.last_page}
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        self._cache.put(
            keys.github(name), body, fresh_s=min(self._fresh_s, KEEP_S), keep_s=KEEP_S,
            marks=Marks(),
        )  # fmt: skip
