"""Every key of the settings table."""

from nightshift.core.access import UserId

Key = dict[str, str]


def server() -> Key:
    """Return the key of the server's settings."""
    return {"pk": "SERVER", "sk": "-"}


def user(user_id: UserId) -> Key:
    """Return the key of a user's settings."""
    return {"pk": f"USER#{user_id}", "sk": "-"}
