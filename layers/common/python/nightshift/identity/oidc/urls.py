"""Which addresses of a provider are spoken to, or shown to a browser."""

from nightshift.outbound.errors import InvalidWebhookUrlError
from nightshift.outbound.urls import parse_target


def is_safe(url: object, *, allow_loopback: bool) -> bool:
    """Tell whether it is an https address; on this machine, where that is allowed, http will do.

    Where its name leads is judged when it is called.
    """
    if not isinstance(url, str):
        return False
    try:
        target = parse_target(url, allow_loopback=allow_loopback)
    except InvalidWebhookUrlError:
        return False
    is_here = target.host == "localhost" or (target.address and target.address.is_loopback)
    return target.secure or (allow_loopback and bool(is_here))
