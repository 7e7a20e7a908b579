"""The pages of the product as a browser finds them, over one in-memory world in virtual time."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from nightshift.accounts_wiring import build_accounts_function
from nightshift.console.wiring import build_console_app
from nightshift.reports.settings import ReportSettings
from tests.contract.apps import GENEROUS, make_beside, make_email
from tests.contract.door import ENVIRON, PASSWORD, Door, make_world, register
from tests.support.browser import SITE, Browser, Page
from tests.support.dynamo import FakeDynamoDB
from tests.unit.identity.oidc.scene import Idp
from tests.unit.reports.scene import TABLES, Scene
from tests.unit.template.cfn import deployed
from tests.unit.template.shape import function_of, routes

ANNA, VERA = "anna@example.com", "vera@example.com"
USER = "ada"
PAGE = f"/reports/{USER}"


@cache
def _routes() -> dict[str, str]:
    return routes(deployed("prod"))


class Site:
    """One stack with its pages: Anna may have reports made, Vera may only look.

    Paths go to the functions that the template has them go to. No mail goes out while `email` is
    silent, as it is at first.
    """

    def __init__(
        self,
        *,
        stage: str = "prod",
        settings: ReportSettings | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.dynamo = FakeDynamoDB((*TABLES, "identity", "audit", "settings", "email"))
        self.scene = Scene(dynamo=self.dynamo, settings=settings)
        self.clock = self.scene.clock
        self.world = make_world()
        self.world.dynamodb, self.world.clock = self.dynamo, self.clock
        here = {"NIGHTSHIFT_STAGE": stage, "NIGHTSHIFT_PUBLIC_URL": SITE}
        self.environ = {**ENVIRON, **GENEROUS, **here, **(environ or {})}
        self.email = make_email(self.scene.world)
        self.email.is_silent = True
        self.idp = Idp(self.clock)
        beside = replace(make_beside(self.scene.world, self.email), sender=self.idp.sender)
        accounts = build_accounts_function(self.environ, self.world.outside, beside)
        console = build_console_app(self.environ, self.world.outside, lambda: self.scene.context)

        def route(event: Mapping[str, Any], context: object) -> dict[str, Any]:
            is_account = function_of(_routes(), str(event["rawPath"])) == "accounts"
            return (accounts if is_account else console)(event, context)

        self.handler = route
        self.door = Door(handler=route)
        self.anna = register(self.door, ANNA)
        self.vera = register(self.door, VERA)
        self.set_role(VERA, "viewer")

    def set_role(self, email: str, role: str) -> None:
        """Give a user one role and no other."""
        user = {ANNA: self.anna, VERA: self.vera}[email]["user"]
        self.dynamo.update_item(
            TableName="identity",
            Key={"pk": {"S": f"USER#{user['id']}"}, "sk": {"S": "PROFILE"}},
            UpdateExpression="SET #roles = :roles",
            ExpressionAttributeNames={"#roles": "roles"},
            ExpressionAttributeValues={":roles": {"L": [{"S": role}]}},
        )

    def browser(self, who: str | None = None) -> Browser:
        """Return a browser, in which somebody has signed in or nobody."""
        browser = Browser(handler=self.handler)
        if who is not None:
            page = self.sign_in(browser, who)
            assert page.status == 200, page.text
        return browser

    @staticmethod
    def sign_in(
        browser: Browser, who: str, password: str = PASSWORD, *, way: str = "/reports"
    ) -> Page:
        """Sign in by the form, and return where that leads."""
        form = browser.get(f"/login?next={way}")
        return browser.submit(form, "Log in", email=who, password=password)

    def through_provider(self, browser: Browser, address: str, sub: str, email: str) -> Page:
        """Come back from the provider that an address leads to, as whom it says it is."""
        asked = parse_qs(urlsplit(address).query)
        self.idp.nonce = asked["nonce"][0]
        self.idp.claims = {"sub": sub, "email": email, "email_verified": True}
        answer = urlencode({"code": "c", "state": asked["state"][0]})
        return browser.get(f"{urlsplit(asked['redirect_uri'][0]).path}?{answer}")

    def sign_in_there(self, browser: Browser, page: Page, sub: str, email: str) -> Page:
        """Press the button of the provider on a page, and come back signed in."""
        browser.follows = False
        address = browser.get(page.links["Continue with Staff"]).headers["location"]
        browser.follows = True
        return self.through_provider(browser, address, sub, email)

    def mailed(self, path: str, to: str = ANNA) -> str:
        """Deliver what waits, and return the latest address at `path` that was mailed to `to`."""
        self.scene.world.run_for(seconds=90)
        texts = [mail.text for mail in self.email.deliverer.mails if mail.to == to]
        found = re.findall(rf"^{SITE}({re.escape(path)}\S*)$", "\n".join(texts), re.MULTILINE)
        return str(found[-1])

    def prepare(self, state: str) -> None:
        """Bring the report on `USER` into a state."""
        if state != "missing":
            self.scene.made()
        if state in {"stale", "regenerating"}:
            self.scene.age(3_700)
        if state == "regenerating":
            self.scene.ask()
