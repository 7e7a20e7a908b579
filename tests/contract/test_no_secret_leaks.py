"""Secrets go where they are meant to go: no log, error, table, queue, event or file has one."""

import base64
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from nightshift.adapters.mail_smtp import SmtpMail, SmtpServer
from nightshift.aws.dynamo import marshal_item
from nightshift.ports.bus import DomainEvent
from nightshift.ports.mail import OutgoingMail
from nightshift.ports.queue import Outgoing
from tests.contract import flows
from tests.contract.test_api_bad_input import OPERATIONS
from tests.contract.watched import SMTP_PASSWORD, Watched, make_watched
from tests.support.canaries import LEAST
from tests.support.mailserver import Mailbox, MailServer

LEAST_KINDS = 20
MISPLACED = {
    "misplaced key": "nsk_Zk3vQw7Lm2Xr8Hc5Tn1Vb6Nj0Kd4Ms8ab",
    "misplaced password": 'misplaced gravel "Orbit" 94&<ü>',
}
SECRET = "nsp_Zk3vQw7Lm2+Xr8Hc5Tn1/Vb6Nj0"

BASE64 = base64.urlsafe_b64encode(b"xy" + SECRET.encode() + b"z")


def test_no_secret_leaks(capsys: pytest.CaptureFixture[str]) -> None:
    """All flows of accounts, pages, keys, providers and mail, right and wrong, every operation."""
    watched = make_watched()
    for name, password in flows.PASSWORDS.items():
        if len(password) >= LEAST:
            watched.canaries.watch(name, password)
    flows.account(watched)
    flows.pages(watched)
    flows.provider(watched)
    flows.owner(watched)
    flows.dead_mail(watched)
    _refused_by_the_mail_server(watched)
    flows.read_everything(watched)
    flows.every_operation(watched, MISPLACED)
    flows.broken_tables(watched)
    assert [] == [str(leak) for leak in watched.leaks(*capsys.readouterr())]
    assert len(watched.kinds) >= LEAST_KINDS
    assert watched.operations >= {f"{o.method} {o.path[7:]}" for o in OPERATIONS}


def _refused_by_the_mail_server(watched: Watched) -> None:
    """Let a mail wait at a server that refuses our password."""
    box = Mailbox()
    with MailServer(box, authenticator=box.sign_in, auth_require_tls=False) as running:
        server = SmtpServer(host="127.0.0.1", port=running.port, security="none", user="mailer")
        smtp = SmtpMail(server, lambda: SMTP_PASSWORD, timeout_s=5)

        def submit(mail: OutgoingMail, taken: bool) -> None:
            if not taken:
                smtp.send(mail)

        watched.product.email.deliverer.fault = submit
        ask = {"email": "fuzz@example.com"}
        assert 202 == watched.send("POST", "/auth/password/forgot", json_body=ask).status
        watched.product.engine.run_for(seconds=30)
    assert "mailer" in box.users


def _row(watched: Watched, value: object) -> None:
    watched.product.world.dynamodb.seed("jobs", [marshal_item({"pk": "x", "sk": "y", "v": value})])


def _event() -> DomainEvent:
    return DomainEvent(id="1", type="t", subject="s", user_id="u", data={"link": quote(SECRET)})


def _named(watched: Watched) -> None:
    watched.send("PATCH", "/users/me", json_body={"name": SECRET}, token=watched.product.token)


PLANTED: dict[str, tuple[str, Callable[[Watched], object]]] = {
    "a table": ("table jobs", lambda w: _row(w, {"deep": [SECRET]})),
    "a table as bytes": ("table jobs", lambda w: _row(w, SECRET.encode())),
    "a table in hex": ("table jobs", lambda w: _row(w, f"0x{SECRET.encode().hex()}")),
    "a table, packed": ("table jobs", lambda w: _row(w, zlib.compress(SECRET.encode()))),
    "a log line": ("log line", lambda w: w.product.world.log.info("a", detail=f"x{SECRET[4:]}")),
    "a line of the engine": ("log line", lambda w: w.product.engine.told.info("a", b=SECRET)),
    "a queue": ("queue", lambda w: w.product.engine.queue.send([Outgoing(body=SECRET, delay_s=0)])),
    "an event": ("event", lambda w: w.product.engine.bus.publish([_event()])),
    "a blob": ("blob", lambda w: w.product.engine.blobs.put("k", BASE64, content_type="t")),
    "an error": ("answer 422", lambda w: w.send("POST", "/auth/login", json_body={SECRET: 1})),
    "a good answer": ("answer 200", _named),
}


@pytest.mark.parametrize("place", list(PLANTED))
def test_a_leak_is_found_wherever_it_is(place: str) -> None:
    """What was planted is what is found, where it was planted."""
    watched = make_watched()
    assert [] == watched.leaks()
    watched.canaries.watch("planted", SECRET, SECRET[4:])
    shown, plant = PLANTED[place]
    plant(watched)
    found = watched.leaks()
    assert {"planted"} == {leak.secret for leak in found}
    assert any(leak.place.startswith(shown) for leak in found)
