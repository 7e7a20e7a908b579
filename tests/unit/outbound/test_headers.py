import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.errors import InvalidHeadersError
from nightshift.outbound.headers import MAX_HEADER_CHARS, MAX_HEADERS, check_headers, syntax_problem


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc", "Content-Type": "application/cloudevents+json"},
        {"User-Agent": "mine/1.0", "Accept": "*/*", "Cookie": "a=b; c=d", "X-Empty": ""},
        {"x-a": "tab\tinside and ~ everything !\"#$%&'()*+,-./:;<=>?@[]^_`{|}"},
        {f"x-{n}": "v" for n in range(MAX_HEADERS)},
        {"x": "v" * (MAX_HEADER_CHARS - 1)},
    ],
)
def test_usual_headers_are_accepted(headers: dict[str, str]) -> None:
    """What applications send is accepted, up to the bounds."""
    check_headers(headers)


@pytest.mark.parametrize(
    ("headers", "field", "hint"),
    [
        ({"x-a": "b\r\nHost: evil"}, "headers.x-a", "line breaks"),
        ({"x-a": "b\ncookie: 1"}, "headers.x-a", "line breaks"),
        ({"x-a": "b\rc"}, "headers.x-a", "line breaks"),
        ({"x-a": "b\0c"}, "headers.x-a", "printable"),
        ({"x-a": " b"}, "headers.x-a", "spaces"),
        ({"x-a": "b "}, "headers.x-a", "spaces"),
        ({"x-a": "ü"}, "headers.x-a", "ASCII"),
        ({"x-a": "b\u0085c"}, "headers.x-a", "ASCII"),
        ({"x-a": "b\n"}, "headers.x-a", "line breaks"),
        ({"x\r\na": "b"}, "headers", "token"),
        ({"x a": "b"}, "headers", "token"),
        ({"x:": "b"}, "headers", "token"),
        ({"": "b"}, "headers", "token"),
        ({"ü": "b"}, "headers", "token"),
        ({"x\n": "b"}, "headers", "token"),
        ({"x" * 129: "b"}, "headers." + "x" * 129, "token"),
        ({"Host": "evil.example"}, "headers.Host", "connection itself"),
        ({"content-LENGTH": "0"}, "headers.content-LENGTH", "connection itself"),
        ({"Transfer-Encoding": "chunked"}, "headers.Transfer-Encoding", "connection itself"),
        ({"connection": "upgrade"}, "headers.connection", "connection itself"),
        ({"Upgrade": "h2c"}, "headers.Upgrade", "connection itself"),
        ({"Expect": "100-continue"}, "headers.Expect", "connection itself"),
        ({"TE": "trailers"}, "headers.TE", "connection itself"),
        ({"Trailer": "x"}, "headers.Trailer", "connection itself"),
        ({"Keep-Alive": "x"}, "headers.Keep-Alive", "connection itself"),
        ({"Proxy-Authorization": "x"}, "headers.Proxy-Authorization", "connection itself"),
        ({"Webhook-Id": "x"}, "headers.Webhook-Id", "reserved"),
        ({"webhook-signature": "x"}, "headers.webhook-signature", "reserved"),
        ({"X-Nightshift-Attempt": "x"}, "headers.X-Nightshift-Attempt", "reserved"),
        ({"X-Webhook-Signature": "x"}, "headers.X-Webhook-Signature", "reserved"),
        ({"x-a": "1", "X-A": "2"}, "headers.X-A", "twice"),
        ({f"x-{n}": "v" for n in range(MAX_HEADERS + 1)}, "headers", str(MAX_HEADERS)),
        ({"x": "v" * MAX_HEADER_CHARS}, "headers", str(MAX_HEADER_CHARS)),
    ],
)
def test_a_bad_header_is_refused_by_name(headers: dict[str, str], field: str, hint: str) -> None:
    """A header that cannot or may not be sent is a 422 that names it."""
    with pytest.raises(InvalidHeadersError) as caught:
        check_headers(headers)
    expected = ("invalid_headers", 422)
    assert expected == (caught.value.slug, caught.value.status)
    (error,) = caught.value.errors
    assert field == error.field
    assert hint in error.message


def test_every_bad_header_is_named() -> None:
    """All the headers at fault are listed, not the first alone."""
    with pytest.raises(InvalidHeadersError) as caught:
        check_headers({"host": "a", "x-good": "b", "webhook-id": "c"}, field="on_failure.headers")
    found = [error.field for error in caught.value.errors]
    expected = ["on_failure.headers.host", "on_failure.headers.webhook-id"]
    assert expected == found


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_an_accepted_header_is_one_line_on_the_wire(name: str, value: str) -> None:
    """Whatever the check accepts, the HTTP library sends as exactly one header line."""
    if syntax_problem(name, value) is not None:
        return
    sent = h11.Connection(h11.CLIENT).send(
        h11.Request(method="POST", target="/", headers=[("Host", "h"), (name, value)])
    )
    assert sent is not None
    lines = sent.decode("ascii").split("\r\n")
    expected = ["POST / HTTP/1.1", "Host: h", f"{name}: {value}", "", ""]
    assert expected == lines
