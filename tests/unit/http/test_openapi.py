"""The OpenAPI document and the page made from it."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from infra import openapi
from nightshift.http.docs import mounted
from nightshift.http.openapi import build_document
from nightshift.http.wiring import build_app
from tests.contract.door import ENVIRON, Door, World
from tests.unit.http.toys import NamedCallers, router

DOCUMENT = build_document([router], title="Toys", version="1", auth_errors=())


@pytest.fixture
def docs(world: World) -> Door:
    return Door(
        handler=build_app(
            [mounted()], environ=ENVIRON, authenticator=NamedCallers(), outside=world.outside
        )
    )


def test_the_committed_document_is_what_the_code_says() -> None:
    """Whoever changes a route commits its description."""
    assert 0 == openapi.main(["--check"])


def test_a_stale_document_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check fails when a file says something else."""
    stale = openapi.ROOT / "pyproject.toml"
    monkeypatch.setattr(openapi, "TARGETS", (stale, openapi.ROOT / "nowhere.json"))
    assert 1 == openapi.main(["--check"])
    assert ["pyproject.toml", "nowhere.json"] == [
        line.split()[0] for line in capsys.readouterr().err.splitlines()
    ]


def test_operations_say_who_may_and_what_goes_wrong() -> None:
    """Security, parameters and errors come from the declaration."""
    operation = DOCUMENT["paths"]["/api/v1/toys"]["post"]
    assert ([{"bearer": []}], "tasks:write", "Make a toy") == (
        operation["security"],
        operation["x-permission"],
        operation["summary"],
    )
    assert ["Idempotency-Key"] == [p["name"] for p in operation["parameters"]]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "429", "503"} == set(
        operation["responses"]
    )


def test_query_models_become_parameters() -> None:
    """Filters and paging are listed one by one, with their bounds."""
    parameters = {p["name"]: p for p in DOCUMENT["paths"]["/api/v1/toys"]["get"]["parameters"]}
    assert {"limit", "cursor", "colour", "tag"} == set(parameters)
    assert (1, 100, 20) == tuple(
        parameters["limit"]["schema"][key] for key in ("minimum", "maximum", "default")
    )


def test_the_same_code_gives_the_same_document() -> None:
    """Nothing of the document depends on the order of a set, even in another process."""
    command = [sys.executable, "-c", "from infra import openapi; print(openapi.render(), end='')"]
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "7"}
    other = subprocess.run(command, env=path, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert openapi.render() == other.stdout


def test_every_reference_leads_somewhere() -> None:
    """No $ref of the whole product's document dangles."""
    document = json.loads(openapi.render())
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', openapi.render()):
        node = document
        for part in reference.split("/"):
            node = node[part]


def test_handlers_have_names_of_their_own() -> None:
    """One name for two operations is refused, since it is their id."""
    with pytest.raises(ValueError, match="two handlers are called change_toy, fail"):
        build_document([router, router], title="T", version="1", auth_errors=())


def test_the_api_serves_its_document(docs: Door) -> None:
    """What is served is what is committed."""
    answer = docs("GET", "/openapi.json")
    again = docs("GET", "/openapi.json", headers={"if-none-match": answer.headers["etag"]})
    assert (json.loads(openapi.render()), 304) == (answer.json, again.status)
    assert ("application/json", "public, max-age=300") == (
        answer.headers["content-type"],
        answer.headers["cache-control"],
    )


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.style = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "style":
            self.style += data


def test_the_page_loads_nothing(docs: Door) -> None:
    """No scripts, nothing from outside, and a policy under which its own style still counts."""
    answer = docs("GET", "/docs")
    page = _Page()
    page.feed(answer.text)
    assert set() == {"script", "img", "link", "iframe"} & set(page.tags)
    assert set() == {name for name, _ in page.attributes if name in {"src", "style", "onclick"}}
    assert all(not (v or "").startswith(("http", "//")) for n, v in page.attributes if n == "href")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert (True, True) == ("default-src 'none'" in policy, f"'sha256-{digest}'" in policy)
    assert "text/html; charset=utf-8" == answer.headers["content-type"]


def test_the_page_explains_every_error(docs: Door) -> None:
    """The `type` of each problem that the API can answer leads to its explanation."""
    page = docs("GET", "/docs").text
    problems = json.loads(openapi.render())["components"]["responses"]
    slugs = set(re.findall(r"`([a-z_]+)`: ", json.dumps(problems)))
    assert set() == {slug for slug in slugs if f'id="error-{slug}"' not in page}
    assert {"route_not_found", "method_not_allowed", "internal_error", "rate_limited"} <= slugs


def test_the_page_lists_every_route(docs: Door) -> None:
    """Each method and path of the document stands on the page."""
    page = docs("GET", "/docs").text
    operations = [
        operation["operationId"]
        for item in json.loads(openapi.render())["paths"].values()
        for operation in item.values()
    ]
    assert [] == [name for name in operations if f'<details id="{name}">' not in page]
