"""No secret is in a log line, an error, an export, a job, or a table in clear.

One life of an account, in which every secret is a canary and everything goes wrong once: what any
call of the tables, the queue, the bus, the bucket, the log or an answer held is searched for each
of them, as it is, quoted, in hex, in base64, packed, and hashed where it could be guessed.
"""

import base64
import hashlib
import traceback
import zlib
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from nightshift.adapters.mail_smtp import SmtpMail, SmtpServer
from nightshift.ports.mail import MailUnavailableError
from tests.contract.apps import make_product
from tests.contract.secretive_life import Life
from tests.contract.test_api_bad_input import OPERATIONS, send
from tests.contract.test_mail_port import a_mail
from tests.support.canaries import Aviary
from tests.support.mailserver import Mailbox, MailServer

KINDS = 20
"""How many kinds of secrets there are to be at least."""


@pytest.fixture(scope="module")
def life() -> Life:
    """A life that was lived."""
    life = Life(make_product())
    life.registers()
    life.verifies()
    life.signs_in()
    life.changes_the_password()
    life.forgets_the_password()
    life.makes_keys()
    life.runs_a_task()
    life.unsubscribes()
    life.is_failed_by_the_deliverer()
    life.dies_in_the_queue()
    life.comes_back()
    life.suffers()
    life.comes_back()
    life.look_around()
    return life


def test_no_secret_is_where_it_must_not_be(life: Life) -> None:
    """Logs, errors, answers, queue messages, events, files, and every request to every table."""
    assert [] == life.aviary.found()


def test_the_life_had_secrets_and_places(life: Life) -> None:
    """The search above had something to find: many kinds of secrets, and places with words."""
    kinds = {canary.name for canary in life.aviary.canaries.values()}
    assert len(kinds) >= KINDS, sorted(kinds)
    places = {name: len(page) for name, page in life.aviary.places.items()}
    for name in ("log", "log of the engine", "bus", "queue", "table identity", "table jobs"):
        assert places[name] > 100, name
    assert {"error 401 POST /auth/login", "error 422 POST /auth/register"} <= set(places)
    assert any(name.startswith("error 5") for name in places)
    assert b"mail_refused" in life.aviary.places["table jobs"]


@pytest.mark.parametrize("who", ["root", "the user"])
def test_nothing_that_can_be_read_later_holds_one(life: Life, who: str) -> None:
    """Every GET there is: jobs and attempts, dead letters, the audit log and its file, lists."""
    product = life.product
    token = product.sign_in("root@example.com") if who == "root" else life.tokens["access_token"]
    later = Aviary(canaries=life.aviary.canaries)
    for operation in OPERATIONS:
        if operation.method == "GET":
            headers = {"authorization": f"Bearer {token}"}
            answer = send(product, operation, headers=headers)
            later.see(f"answer {operation}", answer.text)
    assert [] == later.found()
    assert len(later.places["answer GET /audit/export.csv"]) > 1_000
    assert (
        b"dead_letter" in later.places["answer GET /queues/{queue}/dead-letters"] or who != "root"
    )


def test_the_password_of_the_mail_server_stays_inside() -> None:
    """A server that refuses it is told of without it, and without what the wire carried."""
    password, box = "Plum tree at the server", Mailbox()
    options = {"authenticator": box.sign_in, "auth_require_tls": False}
    with MailServer(box, **options) as server:
        said = SmtpServer(host="127.0.0.1", port=server.port, security="none", user="ada")
        with pytest.raises(MailUnavailableError) as caught:
            SmtpMail(said, lambda: password, timeout_s=5).send(a_mail())
    assert {"ada"} == set(box.users)
    aviary = Aviary()
    aviary.watch("SMTP password", password, guessable=True)
    aviary.see("stack", "".join(traceback.format_exception(caught.value)))
    assert [] == aviary.found()


SECRET = "Plum tree, the first 1?"


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: f"before {text} after",
        lambda text: {"a": [{"b": text.encode()}]},
        lambda text: base64.b64encode(f"x{text}yz".encode()),
        lambda text: base64.urlsafe_b64encode(f"xy{text}".encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: urlencode({"x": text}, quote_via=quote),
        lambda text: zlib.compress(f"x{text}".encode()),
        lambda text: hashlib.sha256(text.encode()).hexdigest(),
        lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).digest(),
        lambda text: base64.b64encode(b"q" + hashlib.sha256(text.encode()).digest()),
    ],
)
def test_a_canary_is_found_in_every_form(hide: Callable[[str], object]) -> None:
    """What the tests above look with can see."""
    aviary = Aviary()
    aviary.watch("it", SECRET, guessable=True, allowed=("answer POST /auth/login",))
    aviary.see("answer POST /auth/login", hide(SECRET))
    assert [] == aviary.found()
    aviary.see("log", hide(SECRET))
    assert [("it", "log")] == aviary.found()
