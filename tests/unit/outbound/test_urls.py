from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.errors import InvalidWebhookUrlError
from nightshift.outbound.urls import MAX_URL_CHARS, check_url, parse_target
from tests.unit.outbound.registry import (
    CLOUD,
    EMBEDDINGS,
    PUBLIC,
    SPECIAL_V4,
    SPECIAL_V6,
    Embedding,
)

FULL_WIDTH = str.maketrans("0123456789.", "".join(map(chr, [*range(0xFF10, 0xFF1A), 0xFF0E])))
CIRCLED = str.maketrans("123456789", "①②③④⑤⑥⑦⑧⑨")


def _bytes(address: IPv4Address) -> list[int]:
    return list(address.packed)


SPELLINGS: dict[str, Callable[[IPv4Address], str]] = {
    "dotted": str,
    "trailing_dot": lambda a: f"{a}.",
    "two_trailing_dots": lambda a: f"{a}..",
    "decimal": lambda a: str(int(a)),
    "decimal_with_zeros": lambda a: f"{int(a):012d}",
    "hexadecimal": lambda a: f"{int(a):#x}",
    "hexadecimal_capital": lambda a: f"0X{int(a):X}",
    "octal": lambda a: f"0{int(a):o}",
    "two_parts": lambda a: f"{_bytes(a)[0]}.{int(a) & 0xFFFFFF}",
    "three_parts": lambda a: f"{_bytes(a)[0]}.{_bytes(a)[1]}.{int(a) & 0xFFFF}",
    "dotted_octal": lambda a: ".".join(f"0{x:o}" for x in _bytes(a)),
    "dotted_octal_long": lambda a: ".".join(f"{x:09o}" for x in _bytes(a)),
    "dotted_hexadecimal": lambda a: ".".join(f"{x:#x}" for x in _bytes(a)),
    "mixed": lambda a: f"{_bytes(a)[0]:#x}.0{_bytes(a)[1]:o}.{int(a) & 0xFFFF}",
    "last_hexadecimal": lambda a: str(a).rpartition(".")[0] + f".{_bytes(a)[3]:#x}",
    "overflow": lambda a: str(int(a) + 2**32),
    "leading_zeros": lambda a: ".".join(f"{x:03d}" for x in _bytes(a)),
    "percent_encoded": lambda a: "".join(f"%{ord(x):02x}" for x in str(a)),
    "one_percent_encoded": lambda a: f"%3{str(a)[0]}{str(a)[1:]}",
    "full_width": lambda a: str(a).translate(FULL_WIDTH),
    "circled": lambda a: str(a).translate(CIRCLED),
    "ideographic_stop": lambda a: str(a).replace(".", "。"),
    "soft_hyphen": lambda a: f"{a}\u00ad",
    "arabic_digits": lambda a: "".join(chr(0x0660 + int(x)) if x.isdigit() else x for x in str(a)),
    "brackets": lambda a: f"[{a}]",
    "user": lambda a: f"example.com@{a}",
    "user_and_password": lambda a: f"example.com:80@{a}",
    "backslash": lambda a: f"{a}\\@example.com",
    "backslash_after": lambda a: f"example.com\\@{a}",
    "tab_inside": lambda a: f"{str(a)[0]}\t{str(a)[1:]}",
    "line_end_inside": lambda a: f"{str(a)[0]}\r\n{str(a)[1:]}",
    "space_before": lambda a: f" {a}",
    "space_after": lambda a: f"{a} ",
    "zone": lambda a: f"[::ffff:{a}%25lo]",
    "nul": lambda a: f"{a}\0.example.com",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("text", [*SPECIAL_V4, "168.63.129.16", "169.254.169.254"])
def test_special_ipv4_is_refused_in_every_spelling(
    text: str, spell: Callable[[IPv4Address], str]
) -> None:
    """A special IPv4 address is refused however it is written."""
    url = f"http://{spell(IPv4Address(text))}/hook"
    with pytest.raises(InvalidWebhookUrlError):
        check_url(url, allow_loopback=False)


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
@pytest.mark.parametrize("text", SPECIAL_V4)
def test_special_ipv4_in_ipv6_is_refused_in_every_spelling(text: str, embed: Embedding) -> None:
    """IPv4 in IPv6 is refused compressed, exploded, in capitals and with a dotted tail."""
    address = IPv6Address(embed(IPv4Address(text)))
    dotted = ":".join(address.exploded.split(":")[:6])
    tail = IPv4Address(int(address) & 0xFFFF_FFFF)
    spellings = (str(address), address.exploded, str(address).upper(), f"{dotted}:{tail}")
    for spelling in spellings:
        with pytest.raises(InvalidWebhookUrlError):
            check_url(f"https://[{spelling}]/", allow_loopback=True)


@pytest.mark.parametrize("text", [*SPECIAL_V6, *(x for x in CLOUD if ":" in x)])
def test_special_ipv6_is_refused_in_every_spelling(text: str) -> None:
    """A special IPv6 address is refused compressed, exploded, with a zone and without brackets."""
    address = IPv6Address(text)
    for host in (
        f"[{address}]",
        f"[{address.exploded.upper()}]",
        f"[{address}%25eth0]",
        f"[{address}%eth0]",
        f"[{address}].",
        f"{address}",
        f"[v1.{address}]",
        f"[{address}",
    ):
        with pytest.raises(InvalidWebhookUrlError):
            check_url(f"http://{host}/", allow_loopback=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_passes(text: str) -> None:
    """A public address in its usual spelling is accepted."""
    host = f"[{text}]" if ":" in text else text
    target = parse_target(f"https://{host}:8443/hook", allow_loopback=False)
    assert text == target.host
    assert target.address is not None


@pytest.mark.parametrize(
    ("url", "host", "port", "resource", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("http://example.com/", "example.com", 80, "/", "example.com"),
        ("HTTPS://Example.COM:443/A?b=C", "example.com", 443, "/A?b=C", "example.com"),
        ("http://example.com:443/x", "example.com", 443, "/x", "example.com:443"),
        ("https://example.com./x", "example.com", 443, "/x", "example.com"),
        ("https://example.com?x=1&y=%20", "example.com", 443, "/?x=1&y=%20", "example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, "/", None),
        ("https://a_b.example.com:8080", "a_b.example.com", 8080, "/", "a_b.example.com:8080"),
        ("https://1.2.3.4.example", "1.2.3.4.example", 443, "/", None),
        ("https://8.8.8.8./", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700:0::1111]:81/", "2606:4700::1111", 81, "/", "[2606:4700::1111]:81"),
        ("https://example.com:065/", "example.com", 65, "/", "example.com:65"),
        ("https://e.com//a;b=c/@x:y/~!$&'()*+,", "e.com", 443, "//a;b=c/@x:y/~!$&'()*+,", None),
        ("https://dead.beef/", "dead.beef", 443, "/", None),
    ],
)
def test_a_url_is_taken_apart(
    url: str, host: str, port: int, resource: str, authority: str | None
) -> None:
    """A good URL yields its host, port, request target and Host header."""
    target = parse_target(url, allow_loopback=False)
    assert (host, port, resource) == (target.host, target.port, target.resource)
    assert (authority or host) == target.authority
    assert url.lower().startswith("https") == target.secure


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "https://"),
        ("example.com/hook", "https://"),
        ("//example.com/hook", "https://"),
        ("https:example.com", "https://"),
        ("https:///example.com", "needs a host"),
        ("https://", "needs a host"),
        ("https://:443/", "needs a host"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://example.com/", "https://"),
        ("javascript:alert(1)", "https://"),
        (" https://example.com", "https://"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/a\nb", "spaces"),
        ("https://example.com/\x00", "spaces"),
        ("https://example.com/\x7f", "spaces"),
        ("https://user@example.com/", "user name"),
        ("https://user:pass@example.com/", "user name"),
        ("https://@example.com/", "user name"),
        ("https://example.com/#top", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:99999/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:8a/", "port"),
        ("https://example.com:-1/", "port"),
        ("https://example.com:\N{FULLWIDTH DIGIT EIGHT}\N{FULLWIDTH DIGIT ZERO}/", "port"),
        ("https://example.com:1:2/", "port"),
        ("https://exa%6dple.com/", "valid name"),
        ("https://ex!ample.com/", "valid name"),
        ("https://-example.com/", "valid name"),
        ("https://example-.com/", "valid name"),
        ("https://example..com/", "valid name"),
        ("https://.example.com/", "valid name"),
        ("https://./", "valid name"),
        ("https://" + "a" * 64 + ".com/", "valid name"),
        ("https://" + "a." * 130 + "com/", "valid name"),
        ("https://☃.example/", "internationalised"),
        ("https://\u200d.example/", "internationalised"),
        ("https://example.com/ü", "percent-encode"),
        ("https://example.com/%", "percent-encode"),
        ("https://example.com/%zz", "percent-encode"),
        ("https://example.com/?q=[1]", "percent-encode"),
        ("https://example.com/" + "a" * MAX_URL_CHARS, str(MAX_URL_CHARS)),
        ("https://localhost/", "not a public"),
        ("https://LOCALHOST./", "not a public"),
        ("https://api.localhost/", "not a public"),
        ("https://[::1/", "needs a host"),
        ("https://[]/", "needs a host"),
        ("https://[2606:4700::1111]x/", "needs a host"),
        ("https://256.1.1.1/", "unusual spelling"),
        ("https://example.0x7f/", "unusual spelling"),
        ("https://1.2.3.4.5/", "unusual spelling"),
    ],
)
def test_a_bad_url_is_refused_with_what_would_be_right(url: str, hint: str) -> None:
    """A URL that cannot be called is a 422 that says what is wrong."""
    with pytest.raises(InvalidWebhookUrlError) as caught:
        check_url(url, allow_loopback=False, field="url")
    assert hint in caught.value.message
    expected = ("invalid_webhook_url", 422)
    assert expected == (caught.value.slug, caught.value.status)
    assert [("url", caught.value.message)] == [(e.field, e.message) for e in caught.value.errors]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8787/dev", "http://127.9.9.9/", "http://[::1]:1/", "http://localhost:8787/"],
)
def test_loopback_is_accepted_only_when_allowed(url: str) -> None:
    """The local stack accepts loopback in plain spelling; a deployed one does not."""
    check_url(url, allow_loopback=True)
    with pytest.raises(InvalidWebhookUrlError):
        check_url(url, allow_loopback=False)


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.1"])
def test_allowing_loopback_allows_no_disguise(host: str) -> None:
    """With loopback allowed, its unusual spellings are refused all the same."""
    with pytest.raises(InvalidWebhookUrlError):
        check_url(f"http://{host}/", allow_loopback=True)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_judged_without_another_error(text: str) -> None:
    """Whatever the text, the check accepts it or raises its one error."""
    for url in (text, f"https://{text}", f"https://{text}/", f"http://a.example/{text}"):
        try:
            target = parse_target(url, allow_loopback=False)
        except InvalidWebhookUrlError:
            continue
        assert target.authority.isascii()
        assert target.resource.isprintable()
        assert not set(target.authority + target.resource) & set(" \r\n\t\\#")
