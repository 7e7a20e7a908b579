"""The page of one's own account: how it stands, and what can be done to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from nightshift.console.account.actors import actor_of
from nightshift.console.account.acts import Acts
from nightshift.console.cookies import CookieJar
from nightshift.console.errors import BadFormError
from nightshift.console.failures import words_of
from nightshift.console.forms import Refusal
from nightshift.console.pages import PageRequest, PageRoute, see_other, shown_and_done
from nightshift.console.rendering import Renderer
from nightshift.console.ways import ACCOUNT_PATH, HOME
from nightshift.core.access import Permission
from nightshift.core.clock import rfc3339
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.identity.api import Identity
from nightshift.identity.oidc.errors import ProviderUnavailableError
from nightshift.identity.oidc.ways import ERROR_PARAMETER
from nightshift.identity.profile_schemas import MailsOut, zones

DONE: Final = {
    "name": "Your name is changed.",
    "resend": "A mail with a new link is on its way.",
    "address": "A mail is on its way to the new address. It is yours once you follow the link.",
    "password": "Your password is changed, and all other sessions are over.",
    "unlink": "It is no way in any more, and all other sessions are over.",
    "preferences": "Your choices are kept.",
}
MAILS: Final = {
    "weekly_summary": "A summary of the week",
    "monthly_report": "A report on the month",
    "task_alerts": "When a task fails or pauses itself",
}
_WORDS: Final = {
    "precondition_failed": "This was changed elsewhere meanwhile. Here is how it stands now.",
    "conflict": "This was changed elsewhere at the same moment. Please try again.",
    "invalid_credentials": "The current password is wrong.",
}
_SECRETS: Final = frozenset({"current_password", "new_password"})
_SERVER_ERROR: Final = 500


class AccountPages:
    """The page of the account."""

    def __init__(
        self, identity: Callable[[], Identity], *, renderer: Renderer, jar: CookieJar
    ) -> None:
        self._identity = identity
        self._renderer = renderer
        self._jar = jar
        self._acts = Acts(identity)

    def routes(self) -> list[PageRoute]:
        """Return the routes."""
        return shown_and_done(
            ACCOUNT_PATH,
            show=self.show,
            sees=Permission.PROFILE_READ,
            do=self.act,
            may=Permission.PROFILE_WRITE,
        )

    def show(self, request: PageRequest) -> Reply:
        """Show the account; what was just done is said when the browser comes from there."""
        done = request.query.get("done", "") if request.is_from_here else ""
        return self._page(
            request,
            done=DONE.get(done, ""),
            failed=words_of(request.query.get(ERROR_PARAMETER, "")),
        )

    def act(self, request: PageRequest) -> Reply:
        """Do what the form says, or show why it was not done, beside the form."""
        name = request.form.get("act", "")
        try:
            if name == "delete":
                return self._deleted(request)
            if name == "link":
                return self._departed(request)
            self._acts.named(name)(request)
        except NightshiftError as error:
            if not _can_be_said(error):
                raise
            return self._page(request, act=name, refusal=_refusal(error))
        return see_other(f"{ACCOUNT_PATH}?done={name}")

    def _deleted(self, request: PageRequest) -> Reply:
        self._acts.delete(request)
        return self._renderer.page(
            "account/told.html",
            replace(request, caller=None),
            here=HOME,
            cookies=self._jar.signed_out(),
            heading="Your account is deleted",
            words="All its sessions are over, and what it held is being removed. Goodbye.",
            ways=(),
        )

    def _departed(self, request: PageRequest) -> Reply:
        """Send the browser to the provider by a page of its own.

        The policy lets forms lead to this site alone, redirects included.
        """
        departure, cookie = self._acts.depart(request)
        return self._renderer.page(
            "account/depart.html",
            request,
            here=HOME,
            cookies=(cookie,),
            headers={"refresh": f"0; url={departure.url}"},
            address=departure.url,
        )

    def _page(
        self,
        request: PageRequest,
        *,
        act: str = "",
        refusal: Refusal | None = None,
        done: str = "",
        failed: str = "",
    ) -> Reply:
        typed = {k: v for k, v in request.form.items() if k not in _SECRETS} if act else {}
        return self._renderer.page(
            "account/account.html",
            request,
            status=refusal.status if refusal else 200,
            here=HOME,
            headers=refusal.headers if refusal else {},
            refusals={act: refusal} if refusal else {},
            typed={act: typed},
            done=done,
            failed=failed,
            **self._standing(request),
        )

    def _standing(self, request: PageRequest) -> Mapping[str, Any]:
        """Return how the account stands at this moment."""
        found, actor = self._identity(), actor_of(request)
        user, linked = found.desk().linking.ways_in(actor.user_id)
        preferences, wanted = found.preferences.get(actor.user_id)
        providers = found.desk().door.providers()
        names = {provider.provider_id: provider.name for provider in providers}
        return {
            "user": user,
            "identities": [
                {
                    "id": one.link_id,
                    "name": names.get(one.provider_id, one.provider_id),
                    "email": one.email,
                    "linked_at": rfc3339(one.linked_at),
                }
                for one in linked
            ],
            "providers": providers,
            "preferences": preferences,
            "zones": sorted(zones()),
            "mails": [
                (name, MAILS[name], wanted.get(name, True)) for name in MailsOut.model_fields
            ],
        }


def _can_be_said(error: NightshiftError) -> bool:
    """Tell whether a failure is the form's affair, and not ours or that of no form of ours."""
    is_theirs = isinstance(error, ProviderUnavailableError) or error.status < _SERVER_ERROR
    return is_theirs and not isinstance(error, BadFormError)


def _refusal(error: NightshiftError) -> Refusal:
    refusal = Refusal.of(error)
    return replace(refusal, message=_WORDS.get(refusal.slug, refusal.message))
