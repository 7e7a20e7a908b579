"""What reports are called in the cache."""

from nightshift.cache.model import CacheKey


def report(user_key: str, variant: str) -> CacheKey:
    """Return the key of a report, with the tag of all that is known of its user."""
    return CacheKey(name=f"report:{user_key}:{variant}", tags=(user_tag(user_key),))


def user_tag(user_key: str) -> str:
    """Return the tag of all reports on a user."""
    return f"reports:{user_key}"


def github(question: str) -> CacheKey:
    """Return the key of what was read from GitHub's answer to a question."""
    return CacheKey(name=f"github:{question}")
