"""Builds the accounts function: accounts, roles, API keys, settings and the audit log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nightshift.audit.api import router as audit_router
from nightshift.audit.wiring import build_audit
from nightshift.aws.dynamo import TransactPart
from nightshift.console.wiring import Handler, sign_in_pages, with_pages
from nightshift.core.access import UserId
from nightshift.http.app import App
from nightshift.http.wiring import Outside, real_outside
from nightshift.identity.access_wiring import mount_access
from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_accounts_app as build_identity_app
from nightshift.identity.accounts_wiring import build_identity
from nightshift.identity.leaving import Leaver
from nightshift.identity.oidc.door import Pages
from nightshift.ports.sender import Sender
from nightshift.ports.uploads import Uploads
from nightshift.settings.api import router as settings_router
from nightshift.settings.wiring import build_reader, build_settings, build_store
from nightshift.tasks.farewell import build_farewell

if TYPE_CHECKING:
    from nightshift.email.wiring import EmailContext
    from nightshift.identity.api import Identity


def _email() -> "EmailContext":
    from nightshift.email.wiring import get_context  # noqa: PLC0415 - at the first mail only

    return get_context()


def _leaver() -> Leaver:
    from nightshift.identity.leaving_wiring import get_context  # noqa: PLC0415 - seldom needed

    return get_context().leaver


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What accounts work with beside their own tables, each made when it is first needed.

    `uploads` is where pictures are kept; None is the bucket that the settings name. `sender` calls
    sign-in providers; None is the one that reaches nothing inside. `pages` is how a browser that
    came back from one goes on to pages; None is without.
    """

    email: "Callable[[], EmailContext]" = _email
    leaver: Callable[[], Leaver] = _leaver
    uploads: Uploads | None = None
    sender: Sender | None = None
    pages: Pages | None = None


def build_accounts_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    beside: Beside | None = None,
) -> App:
    """Return the accounts function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    return build_identity_app(environ, outside, _neighbours(environ, outside, beside or Beside()))


def build_accounts_function(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    beside: Beside | None = None,
) -> Handler:
    """Return the accounts function's handler: the API, and the pages of accounts.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    beside = replace(beside or Beside(), pages=sign_in_pages(environ))

    @cache
    def identity() -> "Identity":
        return build_identity(environ, outside, _neighbours(environ, outside, beside))

    return with_pages(build_accounts_app(environ, outside, beside), identity, environ, outside)


def _neighbours(environ: Mapping[str, str], outside: Outside, beside: Beside) -> Neighbours:
    post = _Post(beside.email)
    audit = build_audit(environ, outside)
    reader = build_reader(environ, outside)
    settings = build_settings(environ, outside, reader=reader, audit=audit)
    settings_store = build_store(environ, outside)
    tasks_farewell = build_farewell(environ)

    def farewell(user_id: UserId) -> list[TransactPart]:
        return [
            *tasks_farewell(user_id),
            *settings_store.farewell(user_id),
            *beside.email().choices.farewell(user_id),
        ]

    return Neighbours(
        mailer=post,
        choices=post,
        leaver=_Later(beside.leaver),
        uploads=beside.uploads,
        sender=beside.sender,
        pages=beside.pages,
        trail=audit,
        farewell=farewell,
        may_register=lambda: reader.server().registration_open,
        more=[
            *mount_access(environ, outside, audit=audit, settings=reader),
            settings_router.bind(lambda: settings),
            audit_router.bind(lambda: audit),
        ],
    )


class _Post:
    """The mail and the choices of it, of a context that is made when it is first needed."""

    def __init__(self, email: "Callable[[], EmailContext]") -> None:
        self._email = email

    def send(
        self,
        *,
        to: str,
        template: str,
        data: Mapping[str, Any],
        user_id: str,
        writes: Sequence[TransactPart] = (),
    ) -> None:
        """Take a mail in; see `identity.mailer.Mailer`."""
        self._email().mailer.send(
            to=to, template=template, data=data, user_id=user_id, writes=writes
        )

    def wanted(self, user_id: str) -> Mapping[str, bool]:
        """Return which mails a user wants; see `identity.preferences.MailChoices`."""
        return self._email().choices.wanted(user_id)

    def choose(self, user_id: str, wanted: Mapping[str, bool]) -> None:
        """Note which mails a user wants; see `identity.preferences.MailChoices`."""
        self._email().choices.choose(user_id, wanted)


class _Later:
    """A leaver that is made when the first account is deleted."""

    def __init__(self, leaver: Callable[[], Leaver]) -> None:
        self._leaver = leaver

    def leave(self, user_id: UserId, writes: Sequence[TransactPart]) -> None:
        """Delete and see to the rest; see `identity.leaving.Leaver`."""
        self._leaver().leave(user_id, writes)
