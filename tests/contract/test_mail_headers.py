"""Nobody can put a header into a mail: whatever comes in by the public door is refused or shown."""

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pytest

from nightshift.ports.mail import OutgoingMail
from tests.contract.apps import Product, make_product
from tests.contract.door import PASSWORD, Answer

HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "auto-submitted",
    "x-auto-response-suppress",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
}
REAL_ENDS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\x00"]
ENDS = [*REAL_ENDS, "%0d%0a", "\\r\\n"]
EVIL = [f"Ada{end}Bcc: evil@example.com" for end in ENDS]
EVIL += ["=?utf-8?q?Ada=0D=0ABcc=3A_evil=40example.com?=", "Ada\r\n\r\n<b>body</b>"]
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def product() -> Product:
    """The product, whose mails are sent."""
    product = make_product()
    product.world.dynamodb.strict = False
    return product


def sent(product: Product) -> list[OutgoingMail]:
    """Let mails go out, and return those that were not looked at yet."""
    product.engine.run_for(minutes=2)
    mails = list(product.email.deliverer.mails)
    product.email.deliverer.mails.clear()
    return mails


def check_harmless(mail: OutgoingMail) -> None:
    """Assert that a mail goes to one reader and has no header that is not ours."""
    raw = mail.message.partition(b"\r\n\r\n")[0]
    message = message_from_bytes(mail.message, policy=default)
    names = [name.lower() for name in message.keys()]  # noqa: SIM118 - a mail has names, not keys
    assert sorted(set(names)) == sorted(names)
    assert set(names) <= HEADERS
    assert [mail.to] == [one.addr_spec for one in message["to"].addresses]
    assert b"\nbcc" not in raw.lower()
    assert not [line for line in raw.split(b"\r\n") if b"\n" in line or b"\r" in line]
    assert not str(message["subject"]).startswith("<b>")


def registering(product: Product, name: str, email: str) -> Answer:
    """Register."""
    body = {"email": email, "password": PASSWORD, "name": name}
    return product.door("POST", "/auth/register", json_body=body)


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_a_name_is_no_header(product: Product, text: str) -> None:
    """Of a new account, and changed afterwards; then its mails are read."""
    email = f"ada{EVIL.index(text)}@example.com"
    answer = registering(product, text, email)
    assert answer.status in {201, 422}
    if answer.status == 422:
        answer = registering(product, "Ada", email)
        token = answer.json["access_token"]
        changed = product.door("PATCH", "/users/me", json_body={"name": text}, token=token)
        assert changed.status == 422
    assert 202 == product.door("POST", "/auth/password/forgot", json_body={"email": email}).status
    mails = sent(product)
    assert 2 == len([mail for mail in mails if mail.to == email])
    for mail in mails:
        check_harmless(mail)


ADDRESSES: list[Callable[[str], str]] = [
    lambda end: f"ada@example.com{end}Bcc: evil@example.com",
    lambda end: f"ada{end}@example.com",
    lambda end: f"ada@exa{end}mple.com",
    lambda end: f'"ada{end}"@example.com',
    lambda end: f"Ada{end} <ada@example.com>",
    lambda _: "ada@example.com, evil@example.com",
    lambda _: "ada@example.com;evil@example.com",
    lambda _: "<ada@example.com>",
]


@pytest.mark.parametrize("make", ADDRESSES)
@pytest.mark.parametrize("path", ["/auth/register", "/auth/password/forgot", "/users/me/email"])
def test_an_address_is_one_address(product: Product, path: str, make: Callable[[str], str]) -> None:
    """What is more than an address is refused wherever one is taken, and nothing is mailed."""
    sent(product)
    token = product.sign_in() if path.startswith("/users") else None
    for end in REAL_ENDS:
        email = make(end)
        body = {
            "/auth/register": {"email": email, "password": PASSWORD, "name": "Ada"},
            "/auth/password/forgot": {"email": email},
            "/users/me/email": {"email": email, "current_password": PASSWORD},
        }[path]
        answer = product.door("POST", path, json_body=body, token=token)
        assert 422 == answer.status, email
    assert [] == [mail.to for mail in sent(product) if "evil" in mail.to or mail.to == ADA]


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_the_name_of_a_task_is_no_header(product: Product, text: str) -> None:
    """It stands in the subject of the mails about it, if the API takes it at all."""
    body = {"task_name": text, "task_schedule": None, "webhook_url": "https://example.com/hook"}
    token = product.sign_in()
    answer = product.door("POST", "/tasks", json_body=body, token=token)
    assert answer.status in {201, 422}
    data = {
        "task_id": product.ids["task_id"],
        "task_name": text[:128],
        "failures": 3,
        "paused_at": "2026-11-22T12:00:00Z",
        "link": "/console/tasks",
    }
    product.email.context.mailer.notify(product.user_id, "task_paused", data, key=text)
    for mail in sent(product):
        check_harmless(mail)
        assert mail.subject.startswith("Task paused: ")


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_what_a_client_calls_itself_is_no_header(product: Product, text: str) -> None:
    """Nor is the name under which it says that it called."""
    headers = {"user-agent": text, "host": text, "x-forwarded-host": "evil.example"}
    body = {"email": "fuzz@example.com", "password": PASSWORD}
    assert 200 == product.door("POST", "/auth/login", json_body=body, headers=headers).status
    forgot = {"email": "fuzz@example.com"}
    product.door("POST", "/auth/password/forgot", json_body=forgot, headers=headers)
    mails = sent(product)
    assert mails
    for mail in mails:
        check_harmless(mail)
        assert "evil.example/" not in mail.text
