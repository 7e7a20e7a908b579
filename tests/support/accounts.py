"""The accounts function over an in-memory world, with its mail and its trail to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nightshift.adapters.uploads import MemoryUploads
from nightshift.aws.dynamo import Table, TransactPart
from nightshift.core.errors import TooManyRequestsError
from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_accounts_app
from nightshift.identity.oidc.door import Pages
from nightshift.ports.sender import Sender
from tests.contract.door import ENVIRON, PASSWORD, Answer, Door, World, make_world, register

ADA = "ada@example.com"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail as it was taken in."""

    to: str
    template: str
    data: Mapping[str, Any]
    user_id: str

    @property
    def token(self) -> str:
        """The token in its link."""
        return parse_qs(urlsplit(str(self.data["link"])).query)["token"][0]


@dataclass(kw_only=True)
class Postbox:
    """A mailer that does the writes and keeps the mails."""

    table: Table
    sent: list[Mail] = field(default_factory=list)
    is_full: bool = False

    def send(
        self,
        *,
        to: str,
        template: str,
        data: Mapping[str, Any],
        user_id: str,
        writes: Sequence[TransactPart] = (),
    ) -> None:
        """Take a mail in."""
        if self.is_full:
            raise TooManyRequestsError
        self.table.transact(writes)
        self.sent.append(Mail(to=to, template=template, data=data, user_id=user_id))

    def of(self, template: str) -> list[Mail]:
        """Return the mails of one template."""
        return [mail for mail in self.sent if mail.template == template]

    def latest(self, template: str) -> Mail:
        """Return the newest mail of one template."""
        return self.of(template)[-1]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act as it was noted."""

    action: str
    actor_id: str | None
    subject: str | None
    outcome: str
    address: str | None
    detail: Mapping[str, str]


@dataclass(kw_only=True)
class Trail:
    """An audit trail in a list."""

    acts: list[Act] = field(default_factory=list)

    def record(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        outcome: str,
        address: str | None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Note one act."""
        act = Act(
            action=action,
            actor_id=actor_id,
            subject=subject,
            outcome=outcome,
            address=address,
            detail=detail or {},
        )
        self.acts.append(act)

    def of(self, action: str) -> list[Act]:
        """Return the acts of one kind."""
        return [act for act in self.acts if act.action == action]


@dataclass(kw_only=True)
class Choices:
    """Which mails users want, in a dictionary."""

    kept: dict[str, dict[str, bool]] = field(default_factory=dict)

    def wanted(self, user_id: str) -> Mapping[str, bool]:
        """Return each category and whether the user wants it."""
        every = dict.fromkeys(("weekly_summary", "monthly_report", "task_alerts"), True)
        return every | self.kept.get(user_id, {})

    def choose(self, user_id: str, wanted: Mapping[str, bool]) -> None:
        """Note what the user wants."""
        self.kept.setdefault(user_id, {}).update(wanted)


@dataclass(kw_only=True)
class Scene:
    """The accounts function, and all that stands around it."""

    world: World
    door: Door
    postbox: Postbox
    trail: Trail
    uploads: MemoryUploads
    choices: Choices

    def register(self, email: str = ADA, password: str = PASSWORD) -> dict[str, Any]:
        """Make an account."""
        return register(self.door, email, password)

    def verified(self, email: str = ADA) -> dict[str, Any]:
        """Make an account and verify its address."""
        tokens = self.register(email)
        assert 204 == self.verify(self.postbox.latest("verification").token).status
        return tokens

    def login(self, email: str = ADA, password: str = PASSWORD) -> Answer:
        """Sign in."""
        return self.door("POST", "/auth/login", json_body={"email": email, "password": password})

    def refresh(self, tokens: Mapping[str, Any]) -> Answer:
        """Use a refresh token."""
        body = {"refresh_token": tokens["refresh_token"]}
        return self.door("POST", "/auth/refresh", json_body=body)

    def me(self, tokens: Mapping[str, Any]) -> Answer:
        """Read one's own user."""
        return self.door("GET", "/users/me", token=tokens["access_token"])

    def verify(self, token: str) -> Answer:
        """Use a link that verifies an address."""
        return self.door("POST", "/auth/verify-email", json_body={"token": token})

    def forgot(self, email: str = ADA) -> Answer:
        """Ask for a new password."""
        return self.door("POST", "/auth/password/forgot", json_body={"email": email})

    def reset_token(self, email: str = ADA) -> str:
        """Ask for a new password and return the mailed token."""
        assert 202 == self.forgot(email).status
        return self.postbox.latest("reset").token

    def reset(self, token: str, password: str) -> Answer:
        """Use a link for a new password."""
        body = {"token": token, "password": password}
        return self.door("POST", "/auth/password/reset", json_body=body)

    def change(self, tokens: Mapping[str, Any], current: str, new: str) -> Answer:
        """Change the password."""
        return self.door(
            "POST",
            "/auth/password/change",
            json_body={"current_password": current, "new_password": new},
            token=tokens["access_token"],
        )


def make_scene(
    world: World | None = None,
    *,
    sender: Sender | None = None,
    pages: Pages | None = None,
    is_open: bool = True,
    **environ: str,
) -> Scene:
    """Return the function over a fresh world, or another one over the same; open to newcomers."""
    world = world or make_world()
    postbox = Postbox(table=Table(world.dynamodb, "identity"))  # type: ignore[arg-type]  # the fake
    trail, uploads, choices = Trail(), MemoryUploads(), Choices()
    app = build_accounts_app(
        {**ENVIRON, "NIGHTSHIFT_PUBLIC_URL": "https://nightshift.example", **environ},
        world.outside,
        Neighbours(
            mailer=postbox,
            trail=trail,
            uploads=uploads,
            choices=choices,
            sender=sender,
            pages=pages,
            may_register=lambda: is_open,
        ),
    )
    return Scene(
        world=world,
        door=Door(handler=app),
        postbox=postbox,
        trail=trail,
        uploads=uploads,
        choices=choices,
    )
