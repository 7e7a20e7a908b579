"""Templates and data become subject, text and HTML.

Templates lie in `templates/`: `<name>.html` and `<name>.txt` on `base.html` and `base.txt`, with
what they share in `parts.html`. Everything is escaped in HTML, and a name that is not defined is an
error, never an empty place.
"""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nightshift.email import formats
from nightshift.email.heads import HEADS
from nightshift.email.model import CATEGORY_OF, Reader, Template
from nightshift.email.palette import DARK, LIGHT
from nightshift.email.schemas import MailData

TEXT_WIDTH = 72
MAX_SUBJECT_CHARS = 150
SIGNATURE = "-- "
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \n]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Brand:
    """Who writes: the product's name, and its address without a slash at the end, maybe empty."""

    product: str = "Nightshift"
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A mail's content; `subject` is one line."""

    subject: str
    text: str
    html: str


def render(
    template: Template, data: MailData, *, reader: Reader, brand: Brand, unsubscribe_url: str = ""
) -> Rendered:
    """Return the mail for a reader; `unsubscribe_url` stands in its foot where there is one."""
    environment = _environment()
    head = HEADS[template]
    words: dict[str, Any] = {
        "data": data,
        "f": formats.Formats(reader.locale, reader.time_zone),
        "hello": formats.greeting(data.name or reader.name),
        "product": brand.product,
        "product_url": brand.url,
        "category": CATEGORY_OF.get(template),
        "unsubscribe_url": unsubscribe_url,
        "light": LIGHT,
        "dark": DARK.as_dict(),
    }
    words["subject"] = _one_line(_plain(head.subject, words), MAX_SUBJECT_CHARS)
    words["preheader"] = _one_line(_plain(head.preheader, words), MAX_SUBJECT_CHARS)
    html = environment.get_template(f"{template.value}.html").render(words)
    text = environment.get_template(f"{template.value}.txt").render(words)
    return Rendered(subject=words["subject"], text=_tidy(text), html=html)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nightshift.email", "templates"),
        autoescape=lambda name: name is not None and name.endswith(".html"),  # noqa: S701 - text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "number": formats.number,
        "distance": formats.distance,
        "duration": formats.duration,
        "size": formats.size,
        "plural": formats.plural,
        "device": formats.device,
        "wrapped": _wrapped,
    }
    return environment


@cache
def _head(source: str) -> Any:  # noqa: ANN401 - a jinja2 template, whose stubs say as much
    return _environment().from_string(source)


def _plain(source: str, words: Mapping[str, Any]) -> str:
    return str(_head(source).render(words))


def _one_line(text: str, most: int) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _wrapped(text: str) -> str:
    """Return a paragraph in lines that any mail program shows whole; addresses are not broken."""
    return textwrap.fill(
        _SPACES.sub(" ", text).strip(), TEXT_WIDTH, break_long_words=False, break_on_hyphens=False
    )


def _tidy(text: str) -> str:
    """Return the text without what templates leave behind; `-- ` begins a signature (RFC 3676)."""
    lines = "\n".join(x if x == SIGNATURE else x.rstrip() for x in text.splitlines())
    return _BLANK_LINES.sub("\n\n", lines).replace(formats.NO_BREAK, " ").strip() + "\n"
