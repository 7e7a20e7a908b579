"""Letters lead to pages that are there: each address that one can carry is routed and answered."""

import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from nightshift.core.access import RoleName, UserId
from nightshift.core.ids import new_id
from nightshift.identity.letters import Letter, Letters
from nightshift.identity.links import Link, Purpose
from nightshift.identity.model import Client, User
from tests.contract.door import START
from tests.contract.site import ANNA, Site
from tests.support.browser import SITE
from tests.unit.template.cfn import deployed
from tests.unit.template.shape import function_of, routes

USER = User(
    user_id=UserId(new_id(START)),
    email=ANNA,
    name="Anna",
    roles=(RoleName("member"),),
    password_hash="",
    email_verified=True,
    disabled=False,
    epoch=0,
    version=1,
    created_at=START,
    updated_at=START,
)
CLIENT = Client(address="203.0.113.7", user_agent="Firefox", domain="site.test")
GIVEN: Mapping[Any, Any] = {
    bytes: bytes(32),
    str: "Anna",
    User: USER,
    Client: CLIENT,
    datetime: START,
}
"""What a writer of letters takes, by its type; a new one that takes something else says so."""


def letters() -> Iterator[Letter]:
    """Yield every letter that there is, each kind of link in it."""
    for name, write in inspect.getmembers(Letters(SITE), inspect.ismethod):
        wanted = {} if name.startswith("_") else inspect.get_annotations(write)
        if wanted.pop("return", None) not in {Letter, Letter | None}:
            continue
        for purpose in Purpose if Link in wanted.values() else [None]:
            given = {**GIVEN, Link: _link(purpose) if purpose else None}
            letter = write(**{part: given[kind] for part, kind in wanted.items()})
            assert letter is not None, name
            yield letter


def _link(purpose: Purpose) -> Link:
    return Link(
        purpose=purpose,
        user_id=USER.user_id,
        secret_hash="",
        email=ANNA,
        credential=0,
        created_at=START,
        expires_at=START,
    )


def addresses() -> dict[str, str]:
    """Return where letters lead, on this site, by template."""
    return {
        letter.template: found.removeprefix(SITE)
        for letter in letters()
        for found in re.findall(rf"{SITE}\S*", "\n".join(map(str, letter.data.values())))
    }


LEADS = addresses()


def test_each_letter_leads_somewhere() -> None:
    """So that none escapes the tests below."""
    assert {letter.template for letter in letters()} == LEADS.keys()
    assert {"reset", "verification", "welcome", "password_changed", "new_sign_in"} <= LEADS.keys()


@pytest.mark.parametrize("stage", ["local", "prod"])
@pytest.mark.parametrize("template", sorted(LEADS))
def test_where_a_letter_leads_is_routed(template: str, stage: str) -> None:
    """By the template, to a function that serves pages."""
    path = urlsplit(LEADS[template]).path
    assert function_of(routes(deployed(stage)), path) in {"accounts", "console"}


@pytest.mark.parametrize("who", [None, ANNA])
@pytest.mark.parametrize("template", sorted(LEADS))
def test_where_a_letter_leads_is_a_page(template: str, who: str | None) -> None:
    """For whoever has signed in, and for who has not yet."""
    page = Site().browser(who).get(LEADS[template])
    assert (200, "text/html; charset=utf-8") == (page.status, page.headers["content-type"])
