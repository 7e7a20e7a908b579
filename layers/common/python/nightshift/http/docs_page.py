"""The browsable page of the API: one HTML page without scripts, nothing loaded from anywhere."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--accent:#2563eb}
@media(prefers-color-scheme:dark){:root{--accent:#7aa2ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
h1{margin:.5rem 0}h2{margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
a{color:var(--accent)}code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;border-radius:.4rem;overflow-x:auto}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:0 .75rem}
summary{cursor:pointer;padding:.5rem 0}summary code{font-weight:600}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.method{display:inline-block;min-width:4.2rem;color:var(--accent)}
.wrap{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top}
""".strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_LISTED = re.compile(r"`(?P<slug>[a-z_]+)`: (?P<text>.*?)(?= `[a-z_]+`: |$)")

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
Document = Mapping[str, Any]


def render_page(document: Document) -> str:
    """Return the page for an OpenAPI document of ours."""
    info = document["info"]
    title = escape(f"{info['title']} API {info['version']}")
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            f'<header><h1>{title}</h1><p><a href="openapi.json">OpenAPI document</a>',
            ' · <a href="#errors">Errors</a> · <a href="#schemas">Schemas</a></p></header><main>',
            *_routes(document),
            *_errors(document),
            *_schemas(document),
            "</main></body></html>",
        )
    )


def _routes(document: Document) -> Iterator[str]:
    tags: dict[str, list[tuple[str, str, Document]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tags.setdefault(operation["tags"][0], []).append((method, path, operation))
    for tag, operations in tags.items():
        yield f"<h2>{escape(tag)}</h2>"
        for method, path, operation in operations:
            yield from _operation(document, method, path, operation)


def _operation(document: Document, method: str, path: str, operation: Document) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary>'
    yield f'<code><span class="method">{method.upper()}</span> {escape(path)}</code> '
    yield f"{escape(operation['summary'])}</summary>"
    if "description" in operation:
        yield f"<p>{escape(operation['description'])}</p>"
    access = operation.get("x-permission")
    yield f"<p>Needs <code>{escape(access)}</code>.</p>" if access else "<p>Public.</p>"
    if operation["parameters"]:
        rows = ((p["name"], p["in"], p["description"]) for p in operation["parameters"])
        yield from _table(("Parameter", "In", ""), rows)
    if "requestBody" in operation:
        yield f"<p>Body: {_schema_link(operation['requestBody'])}</p>"
    answers = (
        (status, _schema_name(answer), answer["description"])
        for status, answer in _answers(document, operation)
    )
    yield from _table(("Status", "Schema", ""), answers)
    yield "</details>"


def _answers(document: Document, operation: Document) -> Iterator[tuple[str, Document]]:
    for status, answer in operation["responses"].items():
        shared = answer.get("$ref", "").rpartition("/")[2]
        yield status, document["components"]["responses"][shared] if shared else answer


def _errors(document: Document) -> Iterator[str]:
    found: dict[str, tuple[str, str]] = {}
    for name, answer in document["components"]["responses"].items():
        for slug, text in _described(answer["description"]):
            found[slug] = (name[1:4], text)
    yield '<h2 id="errors">Errors</h2><div class="wrap"><table>'
    for slug, (status, text) in sorted(found.items()):
        cells = f"<td><code>{escape(slug)}</code></td><td>{status}</td><td>{escape(text)}</td>"
        yield f'<tr id="error-{escape(slug)}">{cells}</tr>'
    yield "</table></div>"


def _described(description: str) -> Iterator[tuple[str, str]]:
    """Yield the errors that a description lists as "`slug`: text"."""
    for found in _LISTED.finditer(description):
        yield found["slug"], found["text"].strip()


def _schemas(document: Document) -> Iterator[str]:
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"{escape(schema.get('description', ''))}</summary>"
        required = set(schema.get("required", ()))
        rows = (
            (field, _type_of(prop) + (", required" if field in required else ""), _note(prop))
            for field, prop in schema.get("properties", {}).items()
        )
        yield from _table(("Field", "Type", ""), rows)
        yield "</details>"


def _table(heads: tuple[str, ...], rows: Any) -> Iterator[str]:  # noqa: ANN401 - rows of texts
    yield '<div class="wrap"><table><tr>'
    yield "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
    yield "</table></div>"


def _schema_name(answer: Document) -> str:
    for media in answer.get("content", {}).values():
        schema = media.get("schema", {})
        if "allOf" in schema:
            return "Problem"
        return str(schema.get("$ref", "")).rpartition("/")[2]
    return ""


def _schema_link(body: Document) -> str:
    name = escape(_schema_name(body))
    return f'<a href="#schema-{name}">{name}</a>'


def _type_of(schema: Document) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_type_of(one) for one in schema[word])
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _note(schema: Document) -> str:
    bounds = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "minLength": "characters at least",
        "maxLength": "characters at most",
        "minItems": "items at least",
        "maxItems": "items at most",
        "default": "default",
    }
    notes = [f"{word} {schema[key]}" for key, word in bounds.items() if key in schema]
    text = str(schema.get("description", ""))
    return f"{text} ({', '.join(notes)})" if notes else text
