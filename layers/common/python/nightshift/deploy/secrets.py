"""The secrets of a stack: made where they are absent, never replaced, never logged.

They are parameters of Systems Manager below `/nightshift/<stage>/`, or secrets of the same names in
Secrets Manager:

- `token-signing-keys` (SecureString): a JSON list of Ed25519 private JWKs (RFC 8037), newest first.
  Its first member signs access tokens.
- `token-public-keys` (String): the JWKS (RFC 7517) of their public halves. Who verifies reads this
  one alone, and so cannot sign.
- `cursor-key`, `sealing-key` and `mail-key` (SecureString): 32 random bytes each, as base64. Of
  the last there may be several, newest first, while mails wait that an older one sealed.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightshift.core.tokens import RandomBytes, b64url, from_b64url
from nightshift.core.weak_keys import is_weak

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

KEY_BYTES = 32
SIGNING_KEYS = "token-signing-keys"
PUBLIC_KEYS = "token-public-keys"
CURSOR_KEY = "cursor-key"
SEALING_KEY = "sealing-key"
MAIL_KEY = "mail-key"
NAMES = (SIGNING_KEYS, PUBLIC_KEYS, CURSOR_KEY, SEALING_KEY, MAIL_KEY)

Jwk = dict[str, str]


class WeakSigningKeyError(ValueError):
    """A signing key that somebody put there is evidently guessable."""


class Parameters(Protocol):
    """Where secrets are kept, by full name."""

    def find(self, name: str) -> str | None:
        """Return the value of `name`, decrypted, or None when there is none."""
        ...

    def create(self, name: str, value: str, *, secret: bool) -> bool:
        """Keep `value` unless `name` exists; tell whether it was kept. `secret` is encrypted."""
        ...

    def replace(self, name: str, value: str) -> None:
        """Keep `value`, which is not secret, whatever was there."""
        ...

    def delete(self, name: str) -> None:
        """Remove `name`; that there is none is fine."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StackSecrets:
    """The secrets of the stack `stage`; `random_bytes` makes the key material of new ones.

    What is absent from `parameters` is first looked for in `before`, where a stack that changed its
    store has it: otherwise everybody's sessions and every signature would break with the change.
    """

    stage: str
    parameters: Parameters
    random_bytes: RandomBytes
    before: Parameters | None = None

    def name(self, short: str) -> str:
        """Return the full name of the parameter `short`."""
        return f"/nightshift/{self.stage}/{short}"

    def ensure(self) -> list[str]:
        """Create what is absent and return the full names of what was created.

        Existing values stay. Two callers at once agree on one value each, and whoever was cut off
        is completed by the next call: the public keys always end up holding every signing key's
        public half, beside any that were there before.

        Raises:
            WeakSigningKeyError: one of the signing keys is guessable; nothing was published.
        """
        created = [
            self.name(short)
            for short, make in self._makers().items()
            if self.parameters.create(self.name(short), self._moved(short) or make(), secret=True)
        ]
        if self._publish():
            created.append(self.name(PUBLIC_KEYS))
        return created

    def remove(self) -> None:
        """Delete every secret of the stack, wherever it ever was."""
        for short in NAMES:
            self.parameters.delete(self.name(short))
            if self.before is not None:
                self.before.delete(self.name(short))

    def _makers(self) -> dict[str, Callable[[], str]]:
        return {
            SIGNING_KEYS: lambda: json.dumps([new_signing_key(self.random_bytes(KEY_BYTES))]),
            CURSOR_KEY: self._new_key,
            SEALING_KEY: self._new_key,
            MAIL_KEY: self._new_key,
        }

    def _moved(self, short: str) -> str | None:
        return None if self.before is None else self.before.find(self.name(short))

    def _new_key(self) -> str:
        return base64.b64encode(self.random_bytes(KEY_BYTES)).decode("ascii")

    def _publish(self) -> bool:
        """Put the public halves that are not public yet before the others; tell if there were."""
        name = self.name(PUBLIC_KEYS)
        signing: list[Jwk] = json.loads(self.parameters.find(self.name(SIGNING_KEYS)) or "[]")
        here = self.parameters.find(name)
        known = here or self._moved(PUBLIC_KEYS)
        published: list[Jwk] = json.loads(known)["keys"] if known is not None else []
        if any(is_weak(from_b64url(key["d"])) for key in signing):
            raise WeakSigningKeyError(self.name(SIGNING_KEYS))
        kids = {key["kid"] for key in published}
        missing = [public_half(key) for key in signing if key["kid"] not in kids]
        if not missing and here is not None:
            return False
        self.parameters.replace(name, json.dumps({"keys": missing + published}))
        return True


class SsmParameters:
    """Parameters in AWS Systems Manager, secret ones under the account's own SSM key."""

    def __init__(self, client: "SSMClient") -> None:
        self._client = client

    def find(self, name: str) -> str | None:
        """Return the value of `name`, decrypted, or None when there is none."""
        try:
            answer = self._client.get_parameter(Name=name, WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        return answer["Parameter"]["Value"]

    def create(self, name: str, value: str, *, secret: bool) -> bool:
        """Keep `value` unless `name` exists; tell whether it was kept.

        An answer that was lost looks like a value of somebody else: the caller reads it back.
        """
        try:
            self._client.put_parameter(
                Name=name,
                Value=value,
                Type="SecureString" if secret else "String",
                Overwrite=False,
            )
        except self._client.exceptions.ParameterAlreadyExists:
            return False
        return True

    def replace(self, name: str, value: str) -> None:
        """Keep `value` in plain, whatever was there."""
        self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def delete(self, name: str) -> None:
        """Remove `name`; that there is none is fine."""
        try:
            self._client.delete_parameter(Name=name)
        except self._client.exceptions.ParameterNotFound:
            return


def new_signing_key(seed: bytes) -> Jwk:
    """Return the Ed25519 private JWK (RFC 8037) of a 32-byte seed.

    Its `kid` is the thumbprint (RFC 7638) of the public half, so equal keys have equal ids.
    """
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    core = {"crv": "Ed25519", "kty": "OKP", "x": b64url(public)}
    canonical = json.dumps(core, separators=(",", ":"), sort_keys=True).encode()
    kid = b64url(hashlib.sha256(canonical).digest())
    return {**core, "alg": "EdDSA", "use": "sig", "kid": kid, "d": b64url(seed)}


def public_half(key: Jwk) -> Jwk:
    """Return `key` without its private member."""
    return {name: value for name, value in key.items() if name != "d"}
