"""The sign-in provider of the whole product in tests, and identities there."""

from nightshift.aws.dynamo import Table
from nightshift.core.access import UserId
from nightshift.identity.oidc.model import Identity
from nightshift.identity.oidc.store import FederatedStore
from nightshift.identity.store import IdentityStore
from tests.contract.door import World
from tests.unit.identity.oidc.scene import ISSUER

PROVIDER = "staff"


def link_identity(world: World, user_id: str) -> str:
    """Let a user have signed in with the provider, and return the identity's id."""
    identity = Identity(
        issuer=ISSUER, subject="fuzz", email="fuzz@example.com", email_verified=True, name="Fuzz"
    )
    table = Table(world.dynamodb, "identity")  # type: ignore[arg-type]  # the fake's door
    user = IdentityStore(table).find_user(UserId(user_id))
    assert user is not None
    store = FederatedStore(table)
    table.transact(store.link_parts(identity, user, provider_id=PROVIDER, former=None))
    return store.linked(user.user_id)[0].link_id
