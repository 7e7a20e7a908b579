"""The ways of sign-in, and where a browser is sent after it: to a page of this site only."""

import re

LOGIN_PATH = "/login"
LOGOUT_PATH = "/logout"
REFRESH_PATH = "/session"
REGISTER_PATH = "/register"
ACCOUNT_PATH = "/account"
HOME = "/reports"
MAX_CHARS = 1024
_WAYS_IN = frozenset({LOGIN_PATH, LOGOUT_PATH, REGISTER_PATH})
_ON_THIS_SITE = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)
"""One slash that no second one follows (RFC 3986 section 4.2), visible ASCII, no backslash."""


def safe_next(text: str | None) -> str:
    r"""Return the way if it leads to a page of this site, else home.

    Browsers take `//host`, `/\host` and what holds tabs or line ends for addresses of other sites.
    """
    if text is None or len(text) > MAX_CHARS or not _ON_THIS_SITE.fullmatch(text):
        return HOME
    return text


def after_sign_in(text: str | None) -> str:
    """Return the way if it leads to a page to be looked at, else home."""
    way = safe_next(text)
    return HOME if way.partition("?")[0] in _WAYS_IN else way
