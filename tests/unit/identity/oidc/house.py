"""The accounts function with one sign-in provider, and a browser that goes there and back."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nightshift.identity.keys import FEDERATED_PREFIX
from nightshift.identity.oidc.door import Pages
from tests.contract.door import Answer, make_world
from tests.support.accounts import Scene, make_scene
from tests.unit.identity.oidc.scene import CLIENT, CODE, ISSUER, SECRET, Idp

PLACE = "https://nightshift.example/api/v1/auth/oidc/staff"
STAFF = {"id": "staff", "name": "Staff", "issuer": ISSUER, "client_id": CLIENT}


class House:
    """The accounts function with one provider, and a browser."""

    def __init__(
        self,
        provider: Mapping[str, Any] | None = None,
        *,
        pages: Pages | None = None,
        is_open: bool = True,
        **environ: str,
    ) -> None:
        world = make_world()
        world.secrets.values["client-secret"] = SECRET
        self.idp = Idp(world.clock)
        said = {**STAFF, "client_secret_param": "client-secret", **(provider or {})}
        self.environ: dict[str, Any] = {
            "NIGHTSHIFT_OIDC_PROVIDERS": json.dumps([said]),
            **environ,
        }
        self.scene: Scene = make_scene(
            world, sender=self.idp.sender, pages=pages, is_open=is_open, **self.environ
        )
        self.door = self.scene.door
        self.jar: dict[str, str] = {}
        self.state = ""

    def start(self, **query: str) -> Answer:
        """Begin; the browser keeps the cookie, the provider the nonce."""
        answer = self.door("GET", "/auth/oidc/staff/start", query=query)
        if answer.status == 302:
            self._go(answer, answer.headers["location"])
        return answer

    def link(self, token: str, **body: str) -> Answer:
        """Begin to link an identity, as whom the access token is of."""
        answer = self.door("POST", "/auth/oidc/staff/link", json_body=body, token=token)
        if answer.status == 200:
            self._go(answer, answer.json["url"])
        return answer

    def _go(self, answer: Answer, url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        self.state, self.idp.nonce = query["state"][0], query["nonce"][0]
        self._keep(answer)

    def finish(self, **said: str) -> Answer:
        """Come back from the provider."""
        query = {"state": self.state, "code": CODE, **said}
        answer = self.door("GET", "/auth/oidc/staff/callback", query=query, cookies=self.jar)
        self._keep(answer)
        return answer

    def come(self, **claims: Any) -> Answer:
        """Go and come back as somebody."""
        self.idp.claims = claims
        self.start()
        return self.finish()

    def link_as(self, token: str, **claims: Any) -> Answer:
        """Go and come back as somebody, to link that identity."""
        self.idp.claims = claims
        assert 200 == self.link(token).status
        return self.finish()

    def identities(self, token: str) -> Any:
        """Return the ways in that a user has."""
        answer = self.door("GET", "/users/me/identities", token=token)
        assert 200 == answer.status
        return answer.json

    def unlink(self, token: str, link_id: str) -> Answer:
        """Take a way in away."""
        return self.door("DELETE", f"/users/me/identities/{link_id}", token=token)

    def _keep(self, answer: Answer) -> None:
        for cookie in answer.cookies:
            name, _, rest = cookie.partition("=")
            self.jar[name] = rest.partition(";")[0]
            if "Max-Age=0" in cookie:
                del self.jar[name]

    def federated(self) -> list[dict[str, Any]]:
        """Return what the table says of identities elsewhere."""
        rows = self.scene.world.rows("identity")
        return [r for r in rows if FEDERATED_PREFIX in r["pk"] + r["sk"]]


def refused(answer: Answer) -> tuple[int, str]:
    """Return status and slug."""
    return answer.status, answer.error
