"""Who does something on a page, in identity's words."""

from nightshift.console.pages import PageRequest
from nightshift.identity.edge import client_of
from nightshift.identity.model import Actor


def actor_of(request: PageRequest) -> Actor:
    """Return who asks.

    Raises:
        UnauthenticatedError: nobody known.
    """
    known = request.known
    return Actor(user_id=known.user_id, session_id=known.session, client=client_of(request.raw))
