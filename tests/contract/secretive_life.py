"""A life of an account in which every secret is a canary, and everything goes wrong once."""

import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nightshift.ports.mail import MailRefusedError, MailUncertainError, OutgoingMail
from tests.contract.apps import Product
from tests.contract.door import Answer
from tests.support.canaries import Aviary, Witness
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan

MODES = (FaultMode.ERROR, FaultMode.CRASH_AFTER)
Step = Callable[[], object]


class Life:
    """Drives the product; whatever anybody gets to see of it goes to the aviary."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.aviary = Aviary()
        self._numbers = itertools.count(1)
        product.world.dynamodb.strict = False
        product.world.dynamodb.faults = Witness(aviary=self.aviary)
        self.email = "canary@example.com"
        self.password = self.new_password("the first password")
        self.tokens: dict[str, Any] = {}
        self._wanted = ""
        self._watch_the_products_own()

    def _watch_the_products_own(self) -> None:
        secrets = self.product.world.secrets.values
        self.aviary.watch("signing key", json.loads(secrets["signing-keys"])[0]["d"])
        self.aviary.watch("cursor key", secrets["cursor-key"])
        self.aviary.watch("mail key", bytes(range(32)))
        self.aviary.watch("master key of tasks", b"k" * 32)

    # What a client does.

    def send(
        self, method: str, path: str, said: object = None, *, token: str | None = None, **more: Any
    ) -> Answer:
        """Send a request, with the account's own token where it says "mine"."""
        bearer = self.tokens.get("access_token") if token == "mine" else token
        answer = self.product.door(method, path, json_body=said, token=bearer, **more)
        kind = "answer" if answer.status < 400 else f"error {answer.status}"
        self.aviary.see(f"{kind} {method} {path}", [answer.text, dict(answer.headers)])
        return answer

    def done(self, status: int, *arguments: Any, **more: Any) -> Any:
        """Send a request that is to work."""
        answer = self.send(*arguments, **more)
        assert answer.status == status, answer.text
        return answer.json if answer.text else None

    def refused(self, *arguments: Any, **more: Any) -> None:
        """Send a request that is to be refused for what it says."""
        answer = self.send(*arguments, **more)
        assert 400 <= answer.status < 500, answer.text

    def new_password(self, name: str) -> str:
        """Return a password that nobody had before."""
        text = f"Plum tree, {name} {next(self._numbers)}"
        return self.aviary.watch(name, text, guessable=True)

    def keep(self, tokens: dict[str, Any], path: str) -> dict[str, Any]:
        """Watch a pair of tokens, which only the answer that gives it may hold."""
        for name in ("access_token", "refresh_token"):
            self.aviary.watch(name, tokens[name], allowed=(f"answer POST {path}",))
        return tokens

    def mailed(self, mark: str) -> str:
        """Let mails go out, and return the token of the latest with `mark` in its link."""
        self.product.engine.run_for(minutes=2)
        mails = self.product.email.deliverer.mails
        links = [word for mail in mails for word in mail.text.split() if mark in word]
        return self.aviary.watch(
            f"link with {mark}", parse_qs(urlsplit(links[-1]).query)["token"][0]
        )

    def forgot(self) -> str:
        """Ask for a new password and return the mailed token."""
        self.done(202, "POST", "/auth/password/forgot", {"email": self.email})
        return self.mailed("token=nsp_")

    # What happens to an account.

    def registers(self) -> None:
        """Bad input first, then the account, then the same request again."""
        body = {"email": self.email, "password": self.password, "name": "Ada"}
        path = "/auth/register"
        for change in (
            {"password": self.new_password("too long a password") * 20},
            {"password": {"inner": self.new_password("a password of a wrong type")}},
            {"email": self.new_password("a password as an address")},
            {"name": ["x", self.new_password("a password in the name")]},
        ):
            self.refused("POST", path, body | change)
        raw = f'{{"password": "{self.new_password("a password in broken JSON")}'.encode()
        self.refused("POST", path, body=raw, headers={"content-type": "application/json"})
        once = {"idempotency-key": "register-once"}
        self.tokens = self.keep(self.done(201, "POST", path, body, headers=once), path)
        assert self.tokens == self.done(201, "POST", path, body, headers=once)
        self.refused("POST", path, body)

    def verifies(self) -> None:
        """By the mailed link, after wrong ones."""
        self.done(202, "POST", "/auth/verify-email/resend", token="mine")
        link = self.mailed("token=nsv_")
        path = "/auth/verify-email"
        self.refused("POST", path, {"token": link[:-2] + "AA"})
        self.refused("POST", path, {"token": [link]})
        self.refused("GET", path, query={"token": link})
        self.done(204, "POST", path, {"token": link})
        self.refused("POST", path, {"token": link})

    def signs_in(self) -> None:
        """Wrongly and rightly, and goes on by refreshing; one token is used twice."""
        path = "/auth/login"
        wrong = self.new_password("a wrong password")
        self.refused("POST", path, {"email": self.email, "password": wrong})
        self.refused("POST", path, {"email": "nobody@example.com", "password": wrong})
        right = {"email": self.email, "password": self.password}
        other = self.keep(self.done(200, "POST", path, right), path)
        path = "/auth/refresh"
        used = {"refresh_token": other["refresh_token"]}
        self.keep(self.done(200, "POST", path, used), path)
        self.product.engine.clock.advance(seconds=60)
        for body in (used, {"refresh_token": [other["refresh_token"]]}, used | {"x": 1}):
            self.refused("POST", path, body)
        self.refused("GET", "/users/me", token=other["access_token"])
        for token in (other["access_token"][:-4] + "AAAA", other["refresh_token"]):
            self.refused("GET", "/users/me", token=token)
        basic = {"authorization": f"Basic {self.password}"}
        self.refused("GET", "/users/me", headers=basic)
        self.refused("GET", "/users/me", query={"token": other["access_token"]})

    def changes_the_password(self) -> None:
        """And the address, each by the password."""
        path = "/auth/password/change"
        body = {"current_password": self.password, "new_password": self.new_password("the second")}
        self.refused("POST", path, body | {"new_password": self.email}, token="mine")
        wrong = self.new_password("a wrong current password")
        self.refused("POST", path, body | {"current_password": wrong}, token="mine")
        self.done(204, "POST", path, body, token="mine")
        self.password = body["new_password"]
        path = "/users/me/email"
        body = {"email": "new@example.com", "current_password": self.password}
        self.refused("POST", path, body | {"current_password": wrong}, token="mine")
        self.done(202, "POST", path, body, token="mine")
        self.done(204, "POST", "/auth/verify-email", {"token": self.mailed("token=nsv_")})
        self.email = "new@example.com"

    def forgets_the_password(self) -> None:
        """And gets a new one by mail; the request is sent twice under one key."""
        link, path = self.forgot(), "/auth/password/reset"
        weak = f"{self.email}"
        self.refused("POST", path, {"token": link, "password": weak})
        self.refused("POST", path, {"token": link[:-2] + "AA", "password": self.password})
        body = {"token": link, "password": self.new_password("the third password")}
        once = {"idempotency-key": "reset-once"}
        for _ in range(2):
            self.done(204, "POST", path, body, headers=once)
        self.refused("POST", path, body)
        self.password = body["password"]
        self.comes_back()

    def comes_back(self) -> None:
        """Sign in with the password that is right now."""
        right = {"email": self.email, "password": self.password}
        self.tokens = self.keep(self.done(200, "POST", "/auth/login", right), "/auth/login")

    def makes_keys(self) -> None:
        """An API key and the secret of task calls: made, turned over, used wrongly, revoked."""
        body = {"name": "ci", "scopes": ["tasks:read"]}
        path, once = "/api-keys", {"idempotency-key": "key-once"}
        made = self.done(201, "POST", path, body, token="mine", headers=once)
        again = self.done(201, "POST", path, body, token="mine", headers=once)
        for answer in (made, again):
            self.aviary.watch("API key", answer["secret"], allowed=(f"answer POST {path}",))
        path = f"/api-keys/{made['id']}"
        turned = self.done(200, "POST", f"{path}/rotate", {"grace_s": 0}, token="mine")
        self.aviary.watch("turned key", turned["secret"], allowed=(f"answer POST {path}/rotate",))
        self.done(200, "GET", "/tasks", token=turned["secret"])
        self.refused("GET", "/sessions", token=turned["secret"])
        self.done(204, "DELETE", path, token="mine")
        for secret in (turned["secret"], turned["secret"][:-1] + "!", again["secret"]):
            self.refused("GET", "/tasks", token=secret)
        path = "/tasks/signing-secret"
        for method, more in (("GET", {}), ("POST", once), ("POST", once)):
            secret = self.done(200, method, path, token="mine", headers=more)["secret"]
            allowed = ("answer GET /tasks/signing-secret", "answer POST /tasks/signing-secret")
            self.aviary.watch("webhook secret", secret, allowed=allowed)

    def runs_a_task(self) -> None:
        """One that carries a credential for its receiver, who refuses the call."""
        secret = self.aviary.watch(
            "credential in a task's headers", "Plum-tree-for-the-receiver",
            allowed=("answer POST /tasks", "answer GET /tasks", "table tasks", "table several"),
        )  # fmt: skip
        body = {
            "task_name": "t",
            "task_schedule": None,
            "webhook_url": "https://example.com/hook",
            "headers": {"authorization": f"Bearer {secret}"},
            "max_retry": 0,
        }
        self.refused("POST", "/tasks", body | {"timeout_s": -1}, token="mine")
        task = self.done(201, "POST", "/tasks", body, token="mine")

        def refuse(_: object) -> Any:
            raise ConnectionError

        self.product.engine.receiver = refuse
        self.done(202, "POST", f"/tasks/{task['id']}/run", token="mine")
        self.product.engine.run_for(minutes=2)

    def unsubscribes(self) -> None:
        """By the link of a notice."""
        data = {
            "task_id": "01980000-0000-7000-8000-0000000000bb",
            "task_name": "t",
            "failures": 3,
            "paused_at": "2026-11-22T12:00:00Z",
            "link": "/console/tasks",
        }
        user_id = self.tokens["user"]["id"]
        self.product.email.context.mailer.notify(user_id, "task_paused", data, key="k")
        link = self.mailed("/unsubscribe?")
        path = "/email/unsubscribe"
        assert self.send("GET", path, query={"token": link}).status == 200
        self.refused("GET", path, query={"token": link + "x"})
        self.refused("POST", path, query={"token": "x" + link})
        assert self.send("POST", path, query={"token": link}).status == 200

    def is_failed_by_the_deliverer(self) -> None:
        """Who refuses, who vanishes, and who dies with the whole mail in the error's text."""

        def dying(mail: OutgoingMail, _: bool) -> None:
            raise RuntimeError(mail.text)

        def refusing(mail: OutgoingMail, _: bool) -> None:
            raise MailRefusedError

        def vanishing(mail: OutgoingMail, _: bool) -> None:
            raise MailUncertainError

        seen: list[str] = []
        deliverer = self.product.email.deliverer
        for fault in (dying, refusing, vanishing):

            def noting(mail: OutgoingMail, taken: bool, fault: Any = fault) -> None:
                seen.extend(word for word in mail.text.split() if "token=nsp_" in word)
                fault(mail, taken)

            deliverer.fault = noting
            self.done(202, "POST", "/auth/password/forgot", {"email": self.email})
            self.product.engine.run_for(hours=3)
        deliverer.fault = lambda _mail, _taken: None
        assert len(set(seen)) == 3
        for link in set(seen):
            self.aviary.watch(
                "link that was not mailed", parse_qs(urlsplit(link).query)["token"][0]
            )

    def dies_in_the_queue(self) -> None:
        """A mail whose message no function ever managed to work on."""
        self.done(202, "POST", "/auth/password/forgot", {"email": self.email})
        engine = self.product.engine
        for message in list(engine.queue.messages):
            engine.machine.dead_letters().bury(message.body, queue="default")

    # The same while the tables fail.

    def suffers(self) -> None:
        """Every request again, for each of its calls to the tables, with that call failing."""
        for step in (self._register, self._login, self._forget, self._change, self._make_key):
            self.comes_back()
            calls = self._calls(step)
            assert calls > 1, step
            for number in range(1, calls + 1):
                for mode in MODES:
                    self._with(FaultPlan({number: Fault(mode=mode)}), step)

    def _calls(self, step: Step) -> int:
        plan = FaultPlan()
        self._with(plan, step)
        return plan.calls

    def _with(self, plan: FaultPlan, step: Step) -> None:
        self.product.world.dynamodb.faults = Witness(aviary=self.aviary, then=plan)
        try:
            step()
        except CrashError:
            self.aviary.see("log", "died")
        finally:
            self.product.world.dynamodb.faults = Witness(aviary=self.aviary)
        self._settle()

    def _settle(self) -> None:
        """Find out which password it is after a change that may have been made."""
        wanted = {"email": self.email, "password": self._wanted}
        if self._wanted and self.send("POST", "/auth/login", wanted).status == 200:
            self.password = self._wanted
        self._wanted = ""

    def _register(self) -> None:
        number = next(self._numbers)
        body = {
            "email": f"canary{number}@example.com",
            "password": self.new_password("registered in vain"),
            "name": "Ada",
        }
        answer = self.send("POST", "/auth/register", body, headers={"idempotency-key": f"{number}"})
        if answer.status == 201:
            self.keep(answer.json, "/auth/register")

    def _login(self) -> None:
        body = {"email": self.email, "password": self.password}
        answer = self.send("POST", "/auth/login", body)
        if answer.status == 200:
            pair = self.keep(answer.json, "/auth/login")
            self.send("POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})

    def _forget(self) -> None:
        self.send("POST", "/auth/password/forgot", {"email": self.email})

    def _change(self) -> None:
        new = self._wanted = self.new_password("changed in vain")
        body = {"current_password": self.password, "new_password": new}
        self.send("POST", "/auth/password/change", body, token="mine")
        reset = {"token": f"nsp_{'A' * 64}", "password": new}
        self.send("POST", "/auth/password/reset", reset)

    def _make_key(self) -> None:
        body = {"name": "ci", "scopes": ["tasks:read"]}
        answer = self.send("POST", "/api-keys", body, token="mine")
        if answer.status == 201:
            self.aviary.watch("API key", answer.json["secret"], allowed=("answer POST /api-keys",))

    # What is left to look at.

    def look_around(self) -> None:
        """Show the aviary everything that the product keeps or has said."""
        world, engine, see = self.product.world, self.product.engine, self.aviary.see
        assert any("reset" in str(error) for error in engine.deaths)
        for error in engine.deaths:
            world.log.crash("engine.died", error)
        see("log", world.logged.getvalue())
        see("log of the engine", engine.told.lines)
        see("bus", [repr(event) for event in engine.bus.events.values()])
        see("queue", [message.body for _, message in engine.queue.sent])
        see("blobs", engine.blobs.blobs)
        for table in ("http", "identity", "tasks", "jobs", "audit", "settings", "email", "cache"):
            see(f"table {table}", world.rows(table))
