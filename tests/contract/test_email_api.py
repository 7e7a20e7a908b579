"""The routes of mail: the suppression list, one's own status, and leaving by one click."""

from urllib.parse import parse_qs, urlsplit

import pytest

from nightshift.aws.dynamo import Table
from nightshift.email.choices import ChoiceStore
from nightshift.email.model import Category
from nightshift.email.readers import IdentityReaders
from nightshift.identity.wiring import make_directory
from tests.contract.apps import Product, make_product, set_flag

PATH = "/email/suppressions"


@pytest.fixture
def admin() -> Product:
    """A product whose one user is an administrator; one address has bounced."""
    return make_product()


def test_an_administrator_sees_who_is_not_written_to(admin: Product) -> None:
    """The latest first, page by page."""
    for number in range(4):
        admin.engine.clock.advance(seconds=1)
        admin.email.suppress(f"user{number}@example.com")
    first = admin.door("GET", PATH, token=admin.token, query="limit=3").json
    rest = admin.door(
        "GET", PATH, token=admin.token, query={"limit": "3", "cursor": first["next_cursor"]}
    ).json
    assert [f"user{n}@example.com" for n in (3, 2, 1)] == [i["email"] for i in first["items"]]
    assert ["user0@example.com", "bounced@example.com"] == [i["email"] for i in rest["items"]]
    assert rest["next_cursor"] is None
    assert {"id", "email", "reason", "detail", "since"} == first["items"][0].keys()


def test_one_address_can_be_looked_up(admin: Product) -> None:
    """However it is spelt; one that is not there is an empty list, what is none is 422."""
    found = admin.door("GET", PATH, token=admin.token, query="email=Bounced@Example.com").json
    assert [admin.ids["suppression_id"]] == [item["id"] for item in found["items"]]
    absent = admin.door("GET", PATH, token=admin.token, query="email=fine@example.com").json
    assert [] == absent["items"]
    wrong = admin.door("GET", PATH, token=admin.token, query="email=nonsense")
    assert (422, "bad_address") == (wrong.status, wrong.error)


def test_an_address_can_be_taken_off_the_list(admin: Product) -> None:
    """Once; the second time there is nothing to take off."""
    path = f"{PATH}/{admin.ids['suppression_id']}"
    answers = [admin.door("DELETE", path, token=admin.token) for _ in range(2)]
    assert [204, 404] == [answer.status for answer in answers]
    assert "suppression_not_found" == answers[1].error
    assert [] == admin.door("GET", PATH, token=admin.token).json["items"]


def test_no_address_stands_in_a_path_or_a_log(admin: Product) -> None:
    """Paths are logged; the list's entries are named by a hash."""
    admin.door("GET", PATH, token=admin.token, query="email=bounced@example.com")
    admin.door("DELETE", f"{PATH}/{admin.ids['suppression_id']}", token=admin.token)
    assert "bounced@example.com" not in admin.world.logged.getvalue()


def test_a_user_sees_whether_mail_gets_through() -> None:
    """And since when it does not, and why."""
    product = make_product()
    fine = product.door("GET", "/email/status", token=product.token).json
    assert {
        "email": "fuzz@example.com",
        "deliverable": True,
        "reason": None,
        "since": None,
    } == fine
    product.email.suppress("fuzz@example.com")
    bad = product.door("GET", "/email/status", token=product.token).json
    assert (False, "bounce") == (bad["deliverable"], bad["reason"])
    assert bad["since"].endswith("Z")


def _token(product: Product, category: Category = Category.WEEKLY_SUMMARY) -> str:
    user_id = product.user["user"]["id"]
    link = product.email.context.unsubscriber.link(user_id, category)
    assert link.startswith("https://nightshift.example.com/api/v1/email/unsubscribe?")
    return parse_qs(urlsplit(link).query)["token"][0]


def _wants(product: Product, category: Category) -> bool:
    reader = product.email.context.readers.find(product.user["user"]["id"])
    return reader is not None and reader.wants(category)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=x",
            (
                b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
                b"One-Click\r\n--x--\r\n"
            ),
        ),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_one_click_unsubscribes(content_type: str, body: bytes) -> None:
    """What mail programs post (RFC 8058 section 3.2), without a sign-in; twice is as once."""
    product = make_product()
    for _ in range(2):
        answer = product.door(
            "POST",
            "/email/unsubscribe",
            query={"token": _token(product)},
            body=body,
            headers={"content-type": content_type},
        )
        assert (200, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
        assert "weekly summaries" in answer.text
    assert not _wants(product, Category.WEEKLY_SUMMARY)
    assert _wants(product, Category.TASK_ALERTS)


def test_looking_at_a_link_changes_nothing() -> None:
    """Scanners open every link in a mail; the page asks for a click."""
    product = make_product()
    answer = product.door("GET", "/email/unsubscribe", query={"token": _token(product)})
    assert 200 == answer.status
    assert '<form method="post">' in answer.text
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert "script" not in answer.text
    assert _wants(product, Category.WEEKLY_SUMMARY)


def test_a_link_of_ones_own_making_is_refused() -> None:
    """Changed, cut, of another kind, or none at all."""
    product = make_product()
    token = _token(product)
    body, _, mac = token.partition(".")
    other = _token(product, Category.TASK_ALERTS)
    foreign = product.email.context.unsubscriber._sealer.sign("x|y|weekly_summary")
    wrong = [body, f"{body}.", f"{other.partition('.')[0]}.{mac}", token[:-2], "a.b", foreign, "é"]
    for one in wrong:
        for method in ("GET", "POST"):
            answer = product.door(method, "/email/unsubscribe", query={"token": one})
            assert (400, "unsubscribe_token_invalid") == (answer.status, answer.error), one
    assert _wants(product, Category.WEEKLY_SUMMARY)


def test_a_link_outlives_the_turning_over_of_the_key() -> None:
    """As long as the old key is among the keys."""
    product = make_product()
    token = _token(product)
    sealer = product.email.context.unsubscriber._sealer
    old = sealer._keys()
    sealer._keys = lambda: [bytes(range(50, 82)), *old]
    answer = product.door("POST", "/email/unsubscribe", query={"token": token})
    assert 200 == answer.status


def test_readers_are_whom_identity_knows() -> None:
    """Verified once identity says so, or where nobody is written to; gone once disabled."""
    product = make_product()
    user_id = product.user["user"]["id"]
    table = Table(product.world.dynamodb, "identity")  # type: ignore[arg-type]  # the fake's door
    directory = make_directory(table)
    choices = ChoiceStore(Table(product.world.dynamodb, "email"))  # type: ignore[arg-type]  # the same
    deployed = IdentityReaders(directory, choices)
    local = IdentityReaders(directory, choices, all_verified=True)
    assert [False, True] == [_verified(readers, user_id) for readers in (deployed, local)]
    set_flag(product.world, user_id, "email_verified")
    assert _verified(deployed, user_id)
    set_flag(product.world, user_id, "disabled")
    assert [None, None] == [readers.find(user_id) for readers in (deployed, local)]


def _verified(readers: IdentityReaders, user_id: str) -> bool:
    reader = readers.find(user_id)
    assert reader is not None
    return reader.verified
