"""Where a browser goes after a provider: to a page of this site, and to no other. Pure."""

import re
from urllib.parse import urlencode

MAX_WAY_CHARS = 1024
ERROR_PARAMETER = "oidc_error"
_WAY = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)
"""One slash that no second one follows (RFC 3986 section 4.2), then visible ASCII, no backslash.

Browsers take `//host` and `/\\host` for other sites, and drop tabs and line ends before they look.
"""


def is_way(text: str) -> bool:
    """Tell whether the text leads to a page of this site, whatever site that is."""
    return len(text) <= MAX_WAY_CHARS and _WAY.fullmatch(text) is not None


def with_error(way: str, slug: str) -> str:
    """Return the way with what went wrong in its query."""
    path, mark, fragment = way.partition("#")
    joint = "&" if "?" in path else "?"
    return f"{path}{joint}{urlencode({ERROR_PARAMETER: slug})}{mark}{fragment}"
