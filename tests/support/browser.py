"""A browser in a test: cookies, redirects and forms, over handlers and without a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]
SITE = "https://site.test"
MAX_HOPS = 10
OWN = {"sec-fetch-site": "same-origin"}


@dataclass(kw_only=True)
class Form:
    """A form of a page: where it goes, what it says, and the words on its button."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What came of a request: the last answer, its address, and the ways there."""

    status: int
    headers: Mapping[str, str]
    text: str
    address: str
    hops: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The text that a reader sees, white space made one."""
        return " ".join(_Reader.of(self.text).words.split())

    @property
    def forms(self) -> list[Form]:
        """The forms on it."""
        return _Reader.of(self.text).forms

    @property
    def links(self) -> dict[str, str]:
        """Where links lead, by their words."""
        return _Reader.of(self.text).links

    def form(self, button: str, **said: str) -> Form:
        """Return the form with this button, of several the one that says so."""
        (found,) = [
            form
            for form in self.forms
            if form.button == button and said.items() <= form.fields.items()
        ]
        return found


@dataclass(kw_only=True)
class Browser:
    """One browser; `headers` go along with every request."""

    handler: Handler
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)
    source_ip: str = "203.0.113.7"
    proto: str = "https"
    set_cookies: list[str] = field(default_factory=list)
    follows: bool = True
    sent: int = 0

    def get(self, address: str, **headers: str) -> Page:
        """Go to an address of the site, as by a link on it."""
        return self._go("GET", address, None, _names(headers))

    def head(self, address: str) -> Page:
        """Ask for the head alone."""
        return self._go("HEAD", address, None, {})

    def post(self, address: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form."""
        return self._go("POST", address, dict(fields), _names(headers))

    def submit(self, page: Page, button: str, **fields: str) -> Page:
        """Fill in the form with this button, and press it."""
        form = page.form(button)
        said = form.fields | fields
        if form.method == "GET":
            return self._go("GET", f"{form.action}?{urlencode(said)}", None, {})
        return self._go("POST", form.action, said, {})

    def cookie(self, name: str) -> str | None:
        """Return a cookie by the end of its name."""
        found = [value for key, (value, _) in self.cookies.items() if key.endswith(name)]
        return found[0] if found else None

    def _go(
        self, method: str, address: str, fields: dict[str, str] | None, headers: dict[str, str]
    ) -> Page:
        hops: list[str] = []
        while True:
            page = self._ask(method, address, fields, headers)
            location = page.headers.get("location")
            if not self.follows or location is None:
                return replace(page, hops=tuple(hops))
            assert len(hops) < MAX_HOPS, hops
            hops.append(f"{page.status} {location}")
            there = urlsplit(urljoin(SITE + address, location))
            assert there.netloc == urlsplit(SITE).netloc, location
            address = there.path + (f"?{there.query}" if there.query else "")
            if page.status != 307:
                method, fields = "GET", None

    def _ask(
        self, method: str, address: str, fields: dict[str, str] | None, headers: dict[str, str]
    ) -> Page:
        path, _, query = address.partition("?")
        self.sent += 1
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "cookies": [f"{n}={v}" for n, (v, p) in self.cookies.items() if _within(path, p)],
            "headers": {
                "host": urlsplit(SITE).netloc,
                "x-forwarded-proto": self.proto,
                **OWN,
                **self.headers,
                **headers,
            },
            "requestContext": {
                "requestId": f"request-{self.sent}",
                "http": {"method": method, "path": path, "sourceIp": self.source_ip},
            },
            "isBase64Encoded": False,
        }
        event["headers"] = {k: v for k, v in event["headers"].items() if v}
        if fields is not None:
            event["body"] = urlencode(fields)
            event["headers"].setdefault("content-type", "application/x-www-form-urlencoded")
        raw = self.handler(event, None)
        for line in raw.get("cookies", []):
            self._keep(line)
        return Page(
            status=raw["statusCode"], headers=raw["headers"], text=raw["body"], address=address
        )

    def _keep(self, line: str) -> None:
        self.set_cookies.append(line)
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        said = dict(a.partition("=")[::2] for a in attributes)
        if said.get("Max-Age") == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = (value, said.get("Path", "/"))


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _within(path: str, scope: str) -> bool:
    return scope in {"/", path} or path.startswith(f"{scope}/")


class _Reader(HTMLParser):
    """Reads words, forms and links."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._form: Form | None = None
        self._in_button = False
        self._select = ""
        self._option: str | None = None
        self._link = ""
        self._link_words = ""

    @classmethod
    def of(cls, text: str) -> "_Reader":
        """Return what there is on a page."""
        reader = cls()
        reader.feed(text)
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(method=said["method"].upper(), action=said.get("action", ""))
        elif tag == "input" and self._form and "name" in said:
            if said.get("type") not in {"checkbox", "radio"} or "checked" in said:
                self._form.fields[said["name"]] = said.get("value", "")
        elif tag == "select":
            self._select, self._option = said["name"], None
        elif tag == "option":
            self._option = "" if "selected" in said else None
        elif tag == "button":
            self._in_button = True
        elif tag == "a":
            self._link, self._link_words = said.get("href", ""), ""

    def handle_endtag(self, tag: str) -> None:
        """Note what ends."""
        if tag == "form" and self._form:
            self.forms.append(self._form)
            self._form = None
        elif tag == "button":
            self._in_button = False
        elif tag == "option" and self._option is not None and self._form:
            self._form.fields[self._select] = self._option
            self._option = None
        elif tag == "a":
            self.links[" ".join(self._link_words.split())] = self._link

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.words += data
        self._link_words += data
        if self._option is not None:
            self._option += data
        if self._in_button and self._form:
            self._form.button += data
