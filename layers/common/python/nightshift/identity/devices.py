"""Devices, as far as a program tells what it is. Pure.

A user agent (RFC 9110 section 10.1.5) is whatever the client writes, so this is for people to
recognise their own sign-ins by, and never a proof. What a known device is: the same program on the
same system in the same wide network, seen within the last ninety days. Somebody who has the
password and comes from elsewhere is told of even if the browser is of the same make.
"""

import ipaddress
import re
from datetime import timedelta

from nightshift.core.networks import network_of
from nightshift.core.tokens import digest

KNOWN_FOR = timedelta(days=90)
TOUCH_AFTER = timedelta(days=1)
UNKNOWN = "Unknown device"
MAX_NAME_CHARS = 40
_IPV4_PREFIX, _IPV6_PREFIX = 16, 32
_PROGRAMS = (
    ("EdgA?/|EdgiOS/|Edge/", "Edge"),
    ("OPR/|Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("HeadlessChrome/|Chrome/|CriOS/", "Chrome"),
    ("Version/.*Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X|Macintosh|Darwin", "macOS"),
    ("Linux|X11", "Linux"),
)
_TOKEN = re.compile(r"[A-Za-z][\w.+-]*")


def describe(user_agent: str) -> str:
    """Return the device in plain words, such as "Firefox on Linux"."""
    program, system = _first(_PROGRAMS, user_agent), _first(_SYSTEMS, user_agent)
    if program is None:
        token = _TOKEN.match(user_agent)
        named = token is not None and token[0] != "Mozilla"
        program = token[0][:MAX_NAME_CHARS] if token and named else None
    if program is None:
        return system or UNKNOWN
    return f"{program} on {system}" if system else program


def fingerprint(user_agent: str, address: str) -> str:
    """Return what a device is known again by, as a hash."""
    return digest(f"{describe(user_agent)}\n{_wide(address)}".encode())


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for pattern, name in patterns if re.search(pattern, text)), None)


def _wide(address: str) -> str:
    """Return the network of an access provider rather than of a house."""
    try:
        found = ipaddress.ip_network(network_of(address))
    except ValueError:
        return address
    prefix = _IPV4_PREFIX if isinstance(found, ipaddress.IPv4Network) else _IPV6_PREFIX
    return str(found.supernet(new_prefix=prefix))
