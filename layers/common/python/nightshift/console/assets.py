"""What pages load: one style sheet and one picture, named by their content.

A name holds a hash of the content, so a browser keeps it for a year and asks no more. Under a name
of another version (a page that was loaded before a deployment) stands today's content, not to be
kept.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nightshift.console.errors import PageNotFoundError
from nightshift.http.reply import Reply

FOLDER = Path(__file__).with_name("static")
TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400"
_NAME = re.compile(r"(?P<stem>[a-z]+)\.(?P<hash>[0-9a-f]{12})\.(?P<kind>css|svg)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file, and the first twelve digits of its SHA-256."""

    content: str
    digest: str
    kind: str


@cache
def load(name: str) -> Asset:
    """Return a file by its plain name.

    Raises:
        PageNotFoundError: there is no such file.
    """
    path = FOLDER / name
    if path.parent != FOLDER or not path.is_file():
        raise PageNotFoundError
    content = path.read_text("utf-8")
    found = hashlib.sha256(content.encode()).hexdigest()[:12]
    return Asset(content=content, digest=found, kind=path.suffix[1:])


def address(name: str) -> str:
    """Return where a file is served."""
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{load(name).digest}.{kind}"


def serve(name: str) -> Reply:
    """Return the file that stands at `/static/<name>`.

    Raises:
        PageNotFoundError: there is none.
    """
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise PageNotFoundError
    asset = load(f"{matched['stem']}.{matched['kind']}")
    return _reply(asset, FOR_EVER if asset.digest == matched["hash"] else "no-cache")


def serve_icon() -> Reply:
    """Return the icon that browsers ask for without being told."""
    return _reply(load("moon.svg"), FOR_A_DAY)


def _reply(asset: Asset, kept: str) -> Reply:
    return Reply(
        body=asset.content,
        headers={"cache-control": kept, "etag": f'"{asset.digest}"'},
        content_type=TYPES[asset.kind],
    )
