"""What users do to their own accounts by forms, each named by the form's field `act`."""

from collections.abc import Callable, Mapping
from typing import Final

from nightshift.console.account.actors import actor_of
from nightshift.console.errors import BadFormError
from nightshift.console.forms import read_form
from nightshift.console.pages import PageRequest
from nightshift.core.errors import FieldError, InvalidInputError
from nightshift.http.schemas import ApiModel
from nightshift.identity.api import Identity
from nightshift.identity.model import email_key
from nightshift.identity.oidc.service import Departure
from nightshift.identity.profile_schemas import MailsIn, MoveIn, PreferencesIn
from nightshift.identity.schemas import GivenPassword, Name

ACCOUNT_WAY: Final = "/account"
"""Where a browser comes back to from a provider, on this site."""
MAX_DIGITS: Final = 15
Act = Callable[[PageRequest], None]


class NameIn(ApiModel):
    """Another name."""

    name: Name


class CurrentIn(ApiModel):
    """The password that proves who it is."""

    current_password: GivenPassword


class Acts:
    """The acts; each raises what its use case raises, and what was wrong in the form."""

    def __init__(self, identity: Callable[[], Identity]) -> None:
        self._identity = identity

    def named(self, name: str) -> Act:
        """Return the act of a name.

        Raises:
            BadFormError: there is none.
        """
        acts: Mapping[str, Act] = {
            "name": self.rename,
            "resend": self.resend,
            "address": self.move,
            "password": self.change_password,
            "unlink": self.unlink,
            "preferences": self.prefer,
        }
        if name not in acts:
            raise BadFormError
        return acts[name]

    def rename(self, request: PageRequest) -> None:
        """Change the name."""
        said = read_form(NameIn, request.form)
        self._identity().accounts.change_profile(
            request.known.user_id, name=said.name, expected_version=_version(request)
        )

    def resend(self, request: PageRequest) -> None:
        """Mail another link that verifies."""
        self._identity().verification.resend(actor_of(request))

    def move(self, request: PageRequest) -> None:
        """Mail a link to the address that is wanted instead."""
        said = read_form(MoveIn, request.form)
        self._identity().moving.begin(
            actor_of(request), email=said.email, password=said.current_password
        )

    def change_password(self, request: PageRequest) -> None:
        """Change the password; all other sessions end."""
        said = read_form(CurrentIn, request.form)
        self._identity().recovery.change(
            actor_of(request),
            current=said.current_password,
            new=request.form.get("new_password", ""),
        )

    def unlink(self, request: PageRequest) -> None:
        """Take a way in away; all other sessions end."""
        self._identity().desk().linking.unlink(
            actor_of(request), request.known.session_id, request.form.get("identity", "")
        )

    def prefer(self, request: PageRequest) -> None:
        """Keep the time zone, the language and which mails are wanted."""
        chosen = MailsIn(**{name: name in request.form for name in MailsIn.model_fields})
        said = read_form(PreferencesIn, {**request.form, "email": chosen})
        self._identity().preferences.put(
            actor_of(request),
            time_zone=said.time_zone,
            locale=said.locale,
            mails=said.email.chosen(),
            expected_version=_version(request),
        )

    def depart(self, request: PageRequest) -> tuple[Departure, str]:
        """Begin to link a way in; return where the browser goes, and the cookie it goes with."""
        desk, raw = self._identity().desk(), request.raw
        provider_id = request.form.get("provider", "")
        departure = desk.door.begin_link(
            provider_id,
            actor_of(request),
            request.known.session_id,
            redirect_uri=desk.redirect_uri(raw, provider_id),
            way=ACCOUNT_WAY,
        )
        return departure, desk.cookie(raw, departure.flow)

    def delete(self, request: PageRequest) -> None:
        """Delete the account, by the password, or by the address where there is none."""
        found, actor = self._identity(), actor_of(request)
        user = found.accounts.get_user(actor.user_id)
        if user.password_hash:
            said = read_form(CurrentIn, request.form)
            password = said.current_password
            found.recovery.check_current(user, password, actor.client, action="user.delete")
        else:
            _confirm(request, user.email)
        found.accounts.remove(user, actor)


def _confirm(request: PageRequest, email: str) -> None:
    if email_key(request.form.get("confirmation", "")) != email_key(email):
        fault = FieldError(field="confirmation", message="This is not the address of the account.")
        raise InvalidInputError(errors=[fault])


def _version(request: PageRequest) -> int:
    """Return which version of what is changed the form was shown with.

    Raises:
        BadFormError: the form does not say.
    """
    text = request.form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise BadFormError
    return int(text)
