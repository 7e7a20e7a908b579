"""Signing in and out by forms, and carrying a browser's session on."""

from collections.abc import Callable

from nightshift.console.cookies import CookieJar
from nightshift.console.doors import Pair, SignInDoor
from nightshift.console.errors import StaleFormError
from nightshift.console.failures import words_of
from nightshift.console.forms import Refusal
from nightshift.console.guard import TOKEN_FIELD, Guard
from nightshift.console.pages import (
    PageRequest,
    PageRoute,
    same_again,
    see_other,
    with_query,
)
from nightshift.console.rendering import Renderer
from nightshift.console.strangers import StrangerForms, stranger_route
from nightshift.console.ways import LOGIN_PATH, LOGOUT_PATH, REFRESH_PATH, after_sign_in, safe_next
from nightshift.http.reply import Reply
from nightshift.identity.edge import client_of
from nightshift.identity.errors import (
    AccountDisabledError,
    InvalidCredentialsError,
    TokenError,
    TooManyAttemptsError,
)
from nightshift.identity.oidc.ways import ERROR_PARAMETER

MAX_EMAIL_CHARS = 254
MAX_PASSWORD_CHARS = 1024
_REFUSALS = (InvalidCredentialsError, AccountDisabledError, TooManyAttemptsError, StaleFormError)


class SignInPages:
    """The pages of the accounts function."""

    def __init__(
        self,
        door: Callable[[], SignInDoor],
        *,
        renderer: Renderer,
        guard: Guard,
        jar: CookieJar,
        forms: StrangerForms,
    ) -> None:
        self._door = door
        self._renderer = renderer
        self._guard = guard
        self._jar = jar
        self._forms = forms

    def routes(self) -> list[PageRoute]:
        """Return the routes. That of the session takes both methods, as the browser came."""
        return [
            stranger_route("GET", LOGIN_PATH, self.show_login),
            stranger_route("POST", LOGIN_PATH, self.login),
            stranger_route("POST", LOGOUT_PATH, self.logout),
            stranger_route("GET", REFRESH_PATH, self.carry_on, knows_visitor=False),
            stranger_route("POST", REFRESH_PATH, self.carry_on, knows_visitor=False),
        ]

    def show_login(self, request: PageRequest) -> Reply:
        """Show the form, unless somebody has signed in already."""
        way = after_sign_in(request.query.get("next"))
        if request.caller is not None:
            return see_other(way)
        return self._form(request, way=way)

    def login(self, request: PageRequest) -> Reply:
        """Begin a session and go where the visitor wanted to go; or show the form and why not.

        A session that this browser had before (another tab signed in meanwhile) ends.
        """
        way = after_sign_in(request.form.get("next"))
        email, password = request.form.get("email", ""), request.form.get("password", "")
        try:
            self._forms.check(request)
            pair = self._checked(email, password, request)
        except _REFUSALS as error:
            return self._form(request, way=way, email=email, refusal=Refusal.of(error))
        if request.caller is not None:
            self._door().end(request.caller, client_of(request.raw))
        return see_other(way, cookies=self._cookies(pair))

    def logout(self, request: PageRequest) -> Reply:
        """End the session, and forget it in this browser."""
        if request.caller is not None:
            token = request.form.get(TOKEN_FIELD, "")
            self._guard.check_token(request.caller.session_id, token)
            self._door().end(request.caller, client_of(request.raw))
        way = after_sign_in(request.form.get("next"))
        return see_other(way, cookies=self._jar.signed_out())

    def carry_on(self, request: PageRequest) -> Reply:
        """Exchange the refresh token for a new pair, and send the browser back as it came.

        Where that cannot be, the visitor is nobody from now on; what a form was to do is not done.
        """
        way = safe_next(request.query.get("next"))
        try:
            pair = self._door().refresh(
                request.cookies.get(self._jar.refresh, ""), client_of(request.raw)
            )
        except TokenError:
            if request.raw.method == "POST":
                way = with_query(LOGIN_PATH, {"next": after_sign_in(way)})
            return see_other(way, cookies=self._jar.signed_out())
        return same_again(way, cookies=self._cookies(pair))

    def _checked(self, email: str, password: str, request: PageRequest) -> Pair:
        """Sign in; what no account can have is refused like what none has."""
        if not 0 < len(email) <= MAX_EMAIL_CHARS or not 0 < len(password) <= MAX_PASSWORD_CHARS:
            raise InvalidCredentialsError
        return self._door().login(email, password, client_of(request.raw))

    def _cookies(self, pair: Pair) -> tuple[str, ...]:
        return self._jar.signed_in(pair.access, pair.refresh, for_s=pair.for_s)

    def _form(
        self,
        request: PageRequest,
        *,
        way: str,
        email: str = "",
        refusal: Refusal | None = None,
    ) -> Reply:
        tie = self._forms.tie(request)
        return self._renderer.page(
            "login.html",
            request,
            status=refusal.status if refusal else 200,
            here=way,
            cookies=tie.cookies,
            headers=refusal.headers if refusal else {},
            way=way,
            email=email[:MAX_EMAIL_CHARS],
            refusal=refusal,
            token=tie.token,
            providers=self._door().providers(),
            back=with_query(LOGIN_PATH, {"next": way}),
            failed=words_of(request.query.get(ERROR_PARAMETER, "")),
            takes_new=self._door().takes_new(),
        )
