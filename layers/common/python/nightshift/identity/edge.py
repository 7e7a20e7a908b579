"""Who is behind a request, in identity's words."""

from typing import Any

from nightshift.http.request import RawRequest, Request
from nightshift.identity.model import Actor, Client


def client_of(raw: RawRequest) -> Client:
    """Return where the request comes from, as the gateway saw it."""
    return Client(
        address=raw.source_ip, user_agent=raw.headers.get("user-agent", ""), domain=raw.domain
    )


def actor_of(request: Request[Any, Any]) -> Actor:
    """Return who asks.

    Raises:
        UnauthenticatedError: the route is public.
    """
    return Actor(
        user_id=request.caller.user_id,
        session_id=request.caller.session,
        client=client_of(request.raw),
    )
