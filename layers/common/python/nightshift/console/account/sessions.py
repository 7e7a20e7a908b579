"""The page of one's own sessions: which there are, and ending them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nightshift.console.account.actors import actor_of
from nightshift.console.cookies import CookieJar
from nightshift.console.pages import PageRequest, PageRoute, see_other, shown_and_done
from nightshift.console.rendering import Renderer
from nightshift.console.ways import HOME, LOGIN_PATH
from nightshift.core.access import Permission, SessionId
from nightshift.core.clock import rfc3339
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.routing import ID_PATTERN
from nightshift.identity.api import Identity
from nightshift.identity.devices import describe
from nightshift.identity.errors import SessionNotFoundError
from nightshift.identity.letters import SESSIONS_PATH
from nightshift.identity.model import Session

SHOWN: Final = 100
OTHERS, ALL = "others", "all"
DONE: Final = {
    "ended": "The session is over.",
    "others": "All other sessions are over.",
    "gone": "That session had ended already.",
    "again": "Something changed meanwhile; please try again.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenSession:
    """A session as its owner knows it again; times are RFC 3339."""

    session_id: str
    device: str
    address: str
    created_at: str
    last_used_at: str
    is_here: bool

    @classmethod
    def of(cls, session: Session, here: SessionId) -> "SeenSession":
        """Return how a session is shown."""
        return cls(
            session_id=session.session_id,
            device=describe(session.user_agent),
            address=session.address,
            created_at=rfc3339(session.created_at),
            last_used_at=rfc3339(session.last_used_at),
            is_here=session.session_id == here,
        )


class SessionPages:
    """The page of sessions."""

    def __init__(
        self, identity: Callable[[], Identity], *, renderer: Renderer, jar: CookieJar
    ) -> None:
        self._identity = identity
        self._renderer = renderer
        self._jar = jar

    def routes(self) -> list[PageRoute]:
        """Return the routes."""
        return shown_and_done(
            SESSIONS_PATH,
            show=self.show,
            sees=Permission.SESSIONS_READ,
            do=self.end,
            may=Permission.SESSIONS_WRITE,
        )

    def show(self, request: PageRequest) -> Reply:
        """Show the live sessions, this one first, then the newest."""
        actor = actor_of(request)
        here = request.known.session_id
        found, more = self._identity().sessions.page(actor.user_id, limit=SHOWN, after=None)
        seen = [SeenSession.of(session, here) for session in found]
        done = request.query.get("done", "") if request.is_from_here else ""
        return self._renderer.page(
            "account/sessions.html",
            request,
            here=HOME,
            sessions=sorted(seen, key=lambda one: not one.is_here),
            has_more=more is not None,
            done=DONE.get(done, ""),
        )

    def end(self, request: PageRequest) -> Reply:
        """End one session, all others, or all; who ends this one is logged out."""
        actor, wanted = actor_of(request), request.form.get("session", "")
        sessions = self._identity().sessions
        if wanted == ALL:
            sessions.end_all(actor)
            return see_other(LOGIN_PATH, cookies=self._jar.signed_out())
        try:
            if wanted == OTHERS:
                sessions.end_others(actor, request.known.session_id)
                return _back("others")
            sessions.end(actor, _session_id(wanted))
        except SessionNotFoundError:
            return _back("gone")
        except ConflictError:
            return _back("again")
        if wanted == actor.session_id:
            return see_other(LOGIN_PATH, cookies=self._jar.signed_out())
        return _back("ended")


def _back(done: str) -> Reply:
    return see_other(f"{SESSIONS_PATH}?done={done}")


def _session_id(text: str) -> SessionId:
    """Return an id that may be one.

    Raises:
        SessionNotFoundError: it cannot.
    """
    if not re.fullmatch(ID_PATTERN, text, re.ASCII):
        raise SessionNotFoundError
    return SessionId(text)
