"""What the stores promise by themselves, whoever asks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nightshift.aws.dynamo import Table
from nightshift.core.access import RoleName, SessionId, UserId
from nightshift.core.ids import new_id
from nightshift.core.tokens import digest
from nightshift.identity.errors import LinkUsedError
from nightshift.identity.links import Link, PresentedLink, Purpose
from nightshift.identity.model import Device, Session, User
from nightshift.identity.session_store import SessionStore
from nightshift.identity.store import IdentityStore
from tests.contract.door import START, make_world

LATER = START + timedelta(hours=1)
ADA = User(
    user_id=UserId(new_id(START)),
    email="ada@example.com",
    name="Ada",
    roles=(RoleName("member"),),
    password_hash="$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    email_verified=False,
    disabled=False,
    epoch=1,
    version=1,
    created_at=START,
    updated_at=START,
)
SESSION = Session(
    session_id=SessionId(new_id(START)),
    user_id=ADA.user_id,
    epoch=1,
    family_key=b"f" * 32,
    current_hash=digest(b"s" * 32),
    recent=(),
    user_agent="",
    address="",
    created_at=START,
    last_used_at=START,
    ends_at=START + timedelta(days=30),
)
DEVICE = Device(user_id=ADA.user_id, fingerprint="f", known_until=LATER)


def _table() -> Table:
    return Table(make_world().outside.dynamodb, "identity")


def test_a_link_that_another_request_used_is_used() -> None:
    """It is said of the link, not of the user, which the same write changed; one's own is known."""
    store = IdentityStore(_table())
    store.add_user(ADA, SESSION, link=None, device=DEVICE, commit=store.commit)
    link = Link(
        purpose=Purpose.RESET,
        user_id=ADA.user_id,
        secret_hash=digest(b"s" * 32),
        email=ADA.email,
        credential=0,
        created_at=START,
        expires_at=LATER,
    )
    store.add_link(link, store.commit)
    after = replace(ADA, version=2, name="Ada L.")
    assert store.use_link(link, "first", ADA, after, store.commit)
    assert store.use_link(link, "first", ADA, after, store.commit)
    with pytest.raises(LinkUsedError):
        store.use_link(link, "second", ADA, replace(ADA, version=2, name="Eve"), store.commit)
    presented = PresentedLink(user_id=ADA.user_id, secret_hash=link.secret_hash)
    used, user = store.find_link(Purpose.RESET, presented)
    assert ("first", after) == (used and used.used_by, user)


def test_a_session_ended_when_it_was_ended_first() -> None:
    """Ending it again later does not move that moment."""
    store = SessionStore(_table())
    store.add_session(SESSION)
    for moment in (START, LATER):
        assert store.revoke(ADA.user_id, SESSION.session_id, moment)
    assert [START] == [s.revoked_at for s in store.sessions(ADA.user_id)]
