"""Builds the accounts function: its API, and the pages of sign-in over the same accounts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nightshift.console.wiring import Handler, with_sign_in
from nightshift.http.wiring import Outside, real_outside
from nightshift.identity.accounts_wiring import build_accounts, build_accounts_app
from nightshift.tasks.farewell import build_farewell

if TYPE_CHECKING:
    from nightshift.console.doors import SignInDoor


def build_accounts_function(environ: Mapping[str, str], outside: Outside | None = None) -> Handler:
    """Return the accounts function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    farewell = build_farewell(environ)

    def door() -> "SignInDoor":
        from nightshift.console.doors import AccountsDoor  # noqa: PLC0415 - for pages only

        return AccountsDoor(build_accounts(environ, outside, farewell))

    api = build_accounts_app(environ, outside, farewell=farewell)
    return with_sign_in(api, door, environ, outside)
