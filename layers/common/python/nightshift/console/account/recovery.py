"""What mails lead to: a new password, and verifying an address.

A link in a mail is opened by more than its reader: scanners, previews, a browser that looks ahead.
So `GET` shows a form whatever the token is, and looks at nothing; `POST` uses it. The token stands
in the address that was mailed and in a hidden field, and from there goes nowhere: pages with it
send no path as referrer, and neither logs nor ways to other pages hold it. Who comes is not
looked at, so a session that is to be carried on does not take the address along either.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nightshift.console.errors import StaleFormError
from nightshift.console.forms import Refusal, read_form
from nightshift.console.pages import Handler, PageRequest, PageRoute
from nightshift.console.rendering import Renderer
from nightshift.console.strangers import StrangerForms, stranger_route
from nightshift.console.ways import ACCOUNT_PATH, HOME, LOGIN_PATH
from nightshift.core.errors import ConflictError, InvalidInputError
from nightshift.http.reply import Reply
from nightshift.http.routing import LimitRule
from nightshift.identity.api import Identity
from nightshift.identity.edge import client_of
from nightshift.identity.errors import (
    EmailTakenError,
    LinkError,
    LinkMalformedError,
    TooManyAttemptsError,
)
from nightshift.identity.letters import FORGOT_PATH, PATHS
from nightshift.identity.links import Purpose
from nightshift.identity.schemas import MAX_EMAIL_CHARS, MAX_LINK_TOKEN_CHARS, ForgotIn

RESET_PATH, VERIFY_PATH = PATHS[Purpose.RESET], PATHS[Purpose.VERIFY]
ORIGIN_ALONE = {"referrer-policy": "strict-origin"}
"""A form still says its `Origin`, and no page learns the address that it was on."""

_LINKS = {
    "link_malformed": "It is not whole. Open it from the mail again, or copy all of it.",
    "link_wrong_type": "It is for something else.",
    "link_unknown": "There is no such link, or not any more.",
    "link_used": "It was used before, and works once.",
    "link_expired": "Its time is over.",
    "link_void": "Something about the account has changed since it was sent.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Where a page leads on: an address and its words."""

    address: str
    words: str


_LOGIN = Way(address=LOGIN_PATH, words="Log in")
_HOME = Way(address=HOME, words="Go on")
_ACCOUNT = Way(address=ACCOUNT_PATH, words="To your account")
_ANOTHER = {
    RESET_PATH: Way(address=FORGOT_PATH, words="Send me a new link"),
    VERIFY_PATH: Way(address=ACCOUNT_PATH, words="Get a new link from your account"),
}


class RecoveryPages:
    """The pages of forgotten passwords and of addresses to verify."""

    def __init__(
        self,
        identity: Callable[[], Identity],
        *,
        renderer: Renderer,
        forms: StrangerForms,
        limit: LimitRule,
    ) -> None:
        """Take the use cases; `limit` is how often one network may ask for mail."""
        self._identity = identity
        self._renderer = renderer
        self._forms = forms
        self._mails = limit

    def routes(self) -> list[PageRoute]:
        """Return the routes."""
        return [
            _route("GET", FORGOT_PATH, self.show_forgot),
            _route("POST", FORGOT_PATH, self.forget, limit=self._mails),
            _route("GET", RESET_PATH, self.show_reset),
            _route("POST", RESET_PATH, self.reset),
            _route("GET", VERIFY_PATH, self.show_verify),
            _route("POST", VERIFY_PATH, self.verify),
        ]

    def show_forgot(self, request: PageRequest) -> Reply:
        """Ask for whom."""
        return self._form(request, "account/forgot.html", email="")

    def forget(self, request: PageRequest) -> Reply:
        """Have a link mailed; who has an account is not told by the page, nor by its time."""
        try:
            self._forms.check(request)
            email = read_form(ForgotIn, request.form).email
            self._identity().recovery.forget(email, client_of(request.raw))
        except (StaleFormError, InvalidInputError, TooManyAttemptsError) as error:
            typed = request.form.get("email", "")[:MAX_EMAIL_CHARS]
            return self._form(request, "account/forgot.html", error, email=typed)
        return self._told(
            request,
            "Look into your mail",
            "If an account has this address, a mail is on its way, with a link by which you choose "
            "a new password. No mail after some minutes? Look among the spam, and whether the "
            "address is the one that you registered with.",
            _LOGIN,
        )

    def show_reset(self, request: PageRequest) -> Reply:
        """Ask for the new password; whether the link is good is not looked at."""
        return self._with_token(request, "account/reset.html", request.query.get("token", ""))

    def reset(self, request: PageRequest) -> Reply:
        """Set the new password; a refused one can be typed anew, and the link stays good."""
        token = request.form.get("token", "")
        password = request.form.get("password", "")
        try:
            self._forms.check(request)
            self._identity().recovery.reset(_plausible(token), password, client_of(request.raw))
        except LinkError as error:
            return self._link_failed(request, error, RESET_PATH)
        except (StaleFormError, InvalidInputError, ConflictError) as error:
            return self._with_token(request, "account/reset.html", token, error)
        return self._told(
            request,
            "Your new password is set",
            "You are logged out everywhere. Log in with the new password.",
            _LOGIN,
        )

    def show_verify(self, request: PageRequest) -> Reply:
        """Show the button that verifies."""
        return self._with_token(request, "account/verify.html", request.query.get("token", ""))

    def verify(self, request: PageRequest) -> Reply:
        """Verify the address, whether anybody has signed in or not."""
        token = request.form.get("token", "")
        try:
            self._forms.check(request)
            self._identity().verification.verify(_plausible(token), client_of(request.raw))
        except LinkError as error:
            return self._link_failed(request, error, VERIFY_PATH)
        except EmailTakenError:
            return self._told(
                request,
                "This address is taken",
                "It became the address of another account meanwhile, so yours stays as it was.",
                _ACCOUNT,
                status=EmailTakenError.status,
            )
        except (StaleFormError, ConflictError) as error:
            return self._with_token(request, "account/verify.html", token, error)
        return self._told(
            request, "Your address is verified", "Thank you. That was all.", _HOME, _ACCOUNT
        )

    def _with_token(
        self,
        request: PageRequest,
        template: str,
        token: str,
        error: StaleFormError | InvalidInputError | ConflictError | None = None,
    ) -> Reply:
        try:
            link = _plausible(token)
        except LinkMalformedError as malformed:
            return self._link_failed(request, malformed, request.raw.path)
        return self._form(request, template, error, link=link)

    def _form(
        self,
        request: PageRequest,
        template: str,
        error: StaleFormError
        | InvalidInputError
        | ConflictError
        | TooManyAttemptsError
        | None = None,
        **values: str,
    ) -> Reply:
        tie = self._forms.tie(request)
        refusal = Refusal.of(error) if error else None
        return self._renderer.page(
            template,
            request,
            status=refusal.status if refusal else 200,
            here=HOME,
            cookies=tie.cookies,
            headers=ORIGIN_ALONE | (refusal.headers if refusal else {}),
            token=tie.token,
            refusal=refusal,
            **values,
        )

    def _link_failed(self, request: PageRequest, error: LinkError, path: str) -> Reply:
        words = _LINKS.get(error.slug, error.message)
        return self._told(
            request, "This link does not work", words, _ANOTHER[path], status=error.status
        )

    def _told(
        self, request: PageRequest, title: str, words: str, *ways: Way, status: int = 200
    ) -> Reply:
        return self._renderer.page(
            "account/told.html",
            request,
            status=status,
            here=HOME,
            headers={**ORIGIN_ALONE, "cache-control": "no-store"},
            heading=title,
            words=words,
            ways=ways,
        )


def _route(
    method: str, path: str, handler: Handler, *, limit: LimitRule | None = None
) -> PageRoute:
    return stranger_route(method, path, handler, knows_visitor=False, limit=limit)


def _plausible(token: str) -> str:
    """Return a token that may be one; it is not looked up.

    Raises:
        LinkMalformedError: there is none, or it is longer than any.
    """
    if not 0 < len(token) <= MAX_LINK_TOKEN_CHARS:
        raise LinkMalformedError
    return token
