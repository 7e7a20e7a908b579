"""Making an account by a form, signed in afterwards."""

from collections.abc import Callable

from nightshift.console.cookies import CookieJar
from nightshift.console.doors import Pair, SignInDoor
from nightshift.console.errors import StaleFormError
from nightshift.console.forms import Refusal, read_form
from nightshift.console.pages import PageRequest, PageRoute, see_other, with_query
from nightshift.console.rendering import Renderer
from nightshift.console.strangers import StrangerForms, stranger_route
from nightshift.console.ways import LOGIN_PATH, REGISTER_PATH, after_sign_in
from nightshift.core.errors import InvalidInputError, NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.routing import LimitRule
from nightshift.http.schemas import ApiModel
from nightshift.identity.edge import client_of
from nightshift.identity.errors import EmailTakenError, RegistrationClosedError
from nightshift.identity.schemas import MAX_EMAIL_CHARS, MAX_NAME_CHARS, Email, Name

DONE = "done"


class NewcomerIn(ApiModel):
    """Who registers; the password is judged where all are."""

    name: Name
    email: Email


class RegisterPages:
    """The page of registering, and the one that says what comes next."""

    def __init__(
        self,
        door: Callable[[], SignInDoor],
        *,
        renderer: Renderer,
        jar: CookieJar,
        forms: StrangerForms,
        limit: LimitRule,
    ) -> None:
        """Take the door; `limit` is how many accounts one network may make."""
        self._door = door
        self._renderer = renderer
        self._jar = jar
        self._forms = forms
        self._made = limit

    def routes(self) -> list[PageRoute]:
        """Return the routes."""
        return [
            stranger_route("GET", REGISTER_PATH, self.show),
            stranger_route("POST", REGISTER_PATH, self.register, limit=self._made),
        ]

    def show(self, request: PageRequest) -> Reply:
        """Show the form; to who has an account what comes next, or where it would have led."""
        way = after_sign_in(request.query.get("next"))
        if request.caller is not None:
            is_new = DONE in request.query and request.is_from_here
            return self._welcome(request, way) if is_new else see_other(way)
        refused = None if self._door().takes_new() else RegistrationClosedError()
        return self._form(request, way, refused)

    def register(self, request: PageRequest) -> Reply:
        """Make an account, begin a session in this browser, and say that a mail is on its way.

        A session that this browser had before ends.
        """
        way = after_sign_in(request.form.get("next"))
        try:
            self._forms.check(request)
            pair = self._registered(request)
        except (
            StaleFormError,
            InvalidInputError,
            EmailTakenError,
            RegistrationClosedError,
        ) as error:
            return self._form(request, way, error)
        if request.caller is not None:
            self._door().end(request.caller, client_of(request.raw))
        return see_other(
            with_query(REGISTER_PATH, {DONE: "1", "next": way}),
            cookies=self._jar.signed_in(pair.access, pair.refresh, for_s=pair.for_s),
        )

    def _registered(self, request: PageRequest) -> Pair:
        said = read_form(NewcomerIn, request.form)
        return self._door().register(
            name=said.name,
            email=said.email,
            password=request.form.get("password", ""),
            client=client_of(request.raw),
        )

    def _form(self, request: PageRequest, way: str, error: NightshiftError | None) -> Reply:
        tie = self._forms.tie(request)
        refusal = Refusal.of(error) if error else None
        return self._renderer.page(
            "account/register.html",
            request,
            status=refusal.status if refusal else 200,
            here=way,
            cookies=tie.cookies,
            token=tie.token,
            way=way,
            refusal=refusal,
            is_open=not isinstance(error, RegistrationClosedError),
            is_taken=isinstance(error, EmailTakenError),
            name=request.form.get("name", "")[:MAX_NAME_CHARS],
            email=request.form.get("email", "")[:MAX_EMAIL_CHARS],
            providers=self._door().providers(),
            back=with_query(LOGIN_PATH, {"next": way}),
        )

    def _welcome(self, request: PageRequest, way: str) -> Reply:
        return self._renderer.page("account/welcome.html", request, here=way, way=way)
