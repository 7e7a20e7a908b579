"""Every key of the identity table."""

from nightshift.core.access import ApiKeyId, RoleName, SessionId, UserId
from nightshift.core.tokens import digest

Key = dict[str, str]
SESSION_PREFIX = "SESSION#"
DIRECTORY_PK = "DIRECTORY"
API_KEY_PREFIX = "APIKEY#"
ROLE_PREFIX = "ROLE#"
ROLES_PK = "ROLES"
FEDERATED_PREFIX = "OIDC#"


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


def device(user_id: UserId, fingerprint: str) -> Key:
    """Return the key of a device that a user signed in with."""
    return {"pk": user_pk(user_id), "sk": f"DEVICE#{fingerprint}"}


def federated(issuer: str, subject: str) -> Key:
    """Return the key of what tells whose a provider's subject is; it holds a hash of both."""
    return {"pk": FEDERATED_PREFIX + digest(f"{issuer}\n{subject}".encode()), "sk": "-"}


def federated_of(user_id: UserId, federated: Key) -> Key:
    """Return the key of the same in its user's own partition."""
    return {"pk": user_pk(user_id), "sk": federated["pk"]}


def spent_state(state: str) -> Key:
    """Return the key of what tells that a flow to a provider was finished; it holds a hash."""
    return {"pk": f"OIDCSTATE#{digest(state.encode())}", "sk": "-"}


def preferences(user_id: UserId) -> Key:
    """Return the key of what a user prefers."""
    return {"pk": user_pk(user_id), "sk": "PREFERENCES"}


def email(normal: str) -> Key:
    """Return the key that makes an address unique; it holds a hash, not the address."""
    return {"pk": f"EMAIL#{digest(normal.encode())}", "sk": "-"}


def entry(normal: str) -> Key:
    """Return the key of an address in the directory, where all are in order."""
    return {"pk": DIRECTORY_PK, "sk": normal}


def attempts(kind: str, who: str) -> Key:
    """Return the key of the sign-in attempts at an account or from an address."""
    return {"pk": f"ATTEMPTS#{kind}#{digest(who.encode())}", "sk": "-"}


def api_key(user_id: UserId, key_id: ApiKeyId) -> Key:
    """Return the key of an API key's record; key ids sort by their time."""
    return {"pk": user_pk(user_id), "sk": API_KEY_PREFIX + key_id}


def api_key_secret(secret_hash: str) -> Key:
    """Return the key of what tells whose a secret is; it holds the secret's hash."""
    return {"pk": f"NSK#{secret_hash}", "sk": "-"}


def keyring(user_id: UserId) -> Key:
    """Return the key of the count of a user's API keys."""
    return {"pk": user_pk(user_id), "sk": "KEYRING"}


def role(name: RoleName) -> Key:
    """Return the key of a custom role."""
    return {"pk": ROLES_PK, "sk": ROLE_PREFIX + name}


def role_catalogue() -> Key:
    """Return the key of the count of custom roles."""
    return {"pk": ROLES_PK, "sk": "CATALOGUE"}


def admins() -> Key:
    """Return the key of the count of administrators who can sign in."""
    return {"pk": ROLES_PK, "sk": "ADMINS"}


def home(account: str, network: str) -> Key:
    """Return the key of a network that an account was signed in to from."""
    who = f"{account}\n{network}"
    return {"pk": f"HOME#{digest(who.encode())}", "sk": "-"}
