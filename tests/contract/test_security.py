"""What `docs/security.md` promises of every route and of the code, and that it says the truth."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.apps import Product, make_product
from tests.contract.test_api_bad_input import OPERATIONS, Operation, every_operation, send

ROOT = Path(__file__).resolve().parent.parent.parent
LAYER = ROOT / "layers/common/python/nightshift"
DOCUMENT = ROOT / "docs" / "security.md"
SECRETIVE = re.compile(r"token|secret|password|key$|code|otp|email", re.IGNORECASE)
SEARCHED = {("GET /users", "email"), ("GET /email/suppressions", "email")}
"""An address is no credential. Administrators find people by it; no log of ours holds a query."""
ONE_CLICK = {("GET /email/unsubscribe", "token"), ("POST /email/unsubscribe", "token")}
"""RFC 8058 has it in the address; it opens nothing but the door out of one kind of mail."""
NAMES = {
    (f"{method} /flow-controls/{{flow_key}}", "flow_key") for method in ("GET", "PUT", "DELETE")
}
"""A key of flow control is a name that its owner chose for what shares a limit."""
HANDED_OVER = {("GET /auth/oidc/{provider}/callback", "code")}
"""OpenID Connect has it there; it is good once, in the browser that asked, with PKCE's verifier."""
LEVEL_1 = """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1 3.4.1
3.4.2 3.5.1 3.5.2 3.5.3 4.1.1 4.4.1 5.2.1 5.2.2 5.3.1 5.3.2 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5
6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2
8.3.1 9.1.1 9.1.2 9.1.3 9.2.1 10.4.1 10.4.2 10.4.3 10.4.4 10.4.5 11.3.1 11.3.2 11.4.1 12.1.1 12.2.1
12.2.2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
"""
"""All seventy of them."""


@pytest.fixture(scope="module")
def product() -> Product:
    """One product for all tests that change nothing."""
    return make_product()


@every_operation
def test_every_answer_says_what_it_is_and_closes_the_rest(operation: Operation) -> None:
    """Content-Type fits the body, text names its charset, and no browser guesses or frames it."""
    answer = send(make_product(), operation, headers={"x-forwarded-proto": "https"})
    headers = answer.headers
    assert "max-age=31536000; includeSubDomains" == headers["strict-transport-security"]
    assert ("nosniff", "no-referrer") == (
        headers["x-content-type-options"],
        headers["referrer-policy"],
    )
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    if not answer.text:
        return
    kind, _, charset = headers["content-type"].partition("; ")
    if kind in {"application/json", "application/problem+json"}:
        assert isinstance(json.loads(answer.text), dict)
    else:
        assert kind.startswith("text/")
        assert charset.lower().startswith("charset=utf-8")


REVALIDATING = {"GET /reports/{username}"}
"""Whoever reads a report that is missing or stale has it made anew; that is what it is for."""
READING = [o for o in OPERATIONS if o.method == "GET" and str(o) not in REVALIDATING]


@pytest.mark.parametrize("operation", READING, ids=str)
def test_reading_changes_nothing(product: Product, operation: Operation) -> None:
    """A GET, from wherever it was made to come, leaves everything as it is."""
    before = product.stored()
    assert send(product, operation).status < 500
    assert before == product.stored()


@every_operation
def test_no_address_holds_a_secret(operation: Operation) -> None:
    """Secrets travel in headers and bodies: no parameter of a path or a query is for one."""
    names = [p["name"] for place in ("path", "query") for p in operation.parameters(place)]
    secretive = {(str(operation), name) for name in names if SECRETIVE.search(name)}
    assert not secretive - SEARCHED - ONE_CLICK - HANDED_OVER - NAMES


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "authorization"])
def test_no_credential_is_taken_from_the_address(product: Product, name: str) -> None:
    """A token in the query opens nothing, neither alone nor as an unknown parameter."""
    key = product.make_key(["tasks:read"])["secret"]
    for secret in (product.token, key):
        alone = product.door("GET", "/tasks", query={name: secret})
        assert (401, "unauthenticated") == (alone.status, alone.error)
        beside = product.door("GET", "/tasks", query={name: secret}, token=product.token)
        assert (422, "validation_failed") == (beside.status, beside.error)


@every_operation
def test_no_answer_shows_what_only_the_table_knows(operation: Operation) -> None:
    """Hashes and inner keys of accounts, sessions and API keys are in no answer."""
    product = make_product()
    rows = product.world.rows("identity")
    inner = [
        value.hex() if isinstance(value, bytes) else str(value)
        for row in rows
        for name, value in row.items()
        if name.endswith(("_hash", "family_key", "nonce"))
    ]
    text = send(product, operation).text
    assert len(inner) > 5
    assert [] == [value for value in inner if value in text]


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the layer's modules, parsed."""
    for path in sorted(LAYER.rglob("*.py")):
        yield path.relative_to(LAYER), ast.parse(path.read_text("utf-8"))


def names_used(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports, and the dotted names that it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


DANGEROUS = re.compile(
    r"^(?:(?:builtins\.)?(?:eval|exec|compile|__import__)|os\.(?:system|popen|exec\w*|spawn\w*)"
    r"|(?:subprocess|pickle|shelve|marshal\.loads?|yaml|xml|lxml|jinja2|telnetlib|ftplib)(?:\..*)?)$"
)
OUR_TEMPLATES = {("email/rendering.py", "jinja2"), ("console/rendering.py", "jinja2")}
WEAK = re.compile(
    r"(?i)(?:^|\.)(?:md5|sha1|md4|ripemd|arc4|des|tripledes|blowfish|ecb|cbc|pkcs1v15)$"
)


def test_the_layer_runs_nothing_that_comes_from_outside() -> None:
    """No evaluated code, no shell, no XML, no deserialiser that makes objects.

    Templates are those of mails, which come with the code.
    """
    found = [
        (str(path), name)
        for path, tree in modules()
        for name in names_used(tree)
        if DANGEROUS.match(name) and (str(path), name.partition(".")[0]) not in OUR_TEMPLATES
    ]
    assert [] == found


def test_the_layer_knows_no_weak_primitive() -> None:
    """Hashes are SHA-256 and argon2id, the one cipher is AES-GCM, signatures are Ed25519."""
    used = [(str(path), name) for path, tree in modules() for name in names_used(tree)]
    assert [] == [(path, name) for path, name in used if WEAK.search(name)]
    ciphers = {name for _, name in used if name.startswith("cryptography.hazmat.primitives.cipher")}
    assert {"cryptography.hazmat.primitives.ciphers.aead.AESGCM"} == ciphers


@pytest.mark.parametrize("source", ["eval('1')", "import pickle", "os.system(x)", "hashlib.md5()"])
def test_these_checks_can_fail(source: str) -> None:
    """What they look for is what they find."""
    found = list(names_used(ast.parse(source)))
    assert any(DANGEROUS.match(name) or WEAK.search(name) for name in found)


def test_every_item_of_level_1_is_answered() -> None:
    """The document has a row for each item."""
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert 70 == len(set(LEVEL_1.split()))
    assert [] == sorted(set(LEVEL_1.split()) - set(rows))
    assert sorted(rows) == sorted(set(rows))


def test_every_test_that_the_document_names_exists() -> None:
    """The evidence is there, and is a test."""
    text = DOCUMENT.read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?(?:::(\w+))?`", text)
    assert len(named) > 30
    missing = []
    for path, *inside in named:
        file = ROOT / path
        source = file.read_text("utf-8") if file.is_file() else ""
        wanted = [name for name in inside if name]
        defined = [
            re.search(rf"^\s*(?:async )?(?:def|class) {n}\b", source, re.MULTILINE) for n in wanted
        ]
        if not source or None in defined:
            missing.append("::".join([path, *wanted]))
    assert [] == missing
