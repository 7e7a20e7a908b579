"""Every key of the identity table."""

from nightshift.core.access import SessionId, UserId
from nightshift.core.tokens import digest

Key = dict[str, str]
SESSION_PREFIX = "SESSION#"


def user_pk(user_id: UserId) -> str:
    """Return the partition of one user's items."""
    return f"USER#{user_id}"


def user(user_id: UserId) -> Key:
    """Return the key of the user."""
    return {"pk": user_pk(user_id), "sk": "PROFILE"}


def session(user_id: UserId, session_id: SessionId) -> Key:
    """Return the key of a session; session ids sort by their time."""
    return {"pk": user_pk(user_id), "sk": SESSION_PREFIX + session_id}


def link(user_id: UserId, purpose: str, secret_hash: str) -> Key:
    """Return the key of a mailed link, found by the hash of its secret."""
    return {"pk": user_pk(user_id), "sk": f"LINK#{purpose}#{secret_hash}"}


def email(normal: str) -> Key:
    """Return the key that makes an address unique; it holds a hash, not the address."""
    return {"pk": f"EMAIL#{digest(normal.encode())}", "sk": "-"}


def attempts(kind: str, who: str) -> Key:
    """Return the key of the sign-in attempts at an account or from an address."""
    return {"pk": f"ATTEMPTS#{kind}#{digest(who.encode())}", "sk": "-"}


def home(account: str, network: str) -> Key:
    """Return the key of a network that an account was signed in to from."""
    who = f"{account}\n{network}"
    return {"pk": f"HOME#{digest(who.encode())}", "sk": "-"}
