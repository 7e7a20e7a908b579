from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.addresses import forbidden_reason
from tests.unit.outbound.registry import (
    CLOUD,
    EMBEDDINGS,
    NETWORKS_V4,
    NETWORKS_V6,
    PUBLIC,
    SPECIAL_V4,
    SPECIAL_V6,
    Embedding,
)

LOOPBACK = ("127.0.0.1", "127.0.0.0", "127.255.255.255", "::1")


@pytest.mark.parametrize("text", [*SPECIAL_V4, *SPECIAL_V6, *CLOUD])
def test_every_special_range_is_refused(text: str) -> None:
    """The first, a middle and the last address of every special range have a reason against."""
    assert forbidden_reason(ip_address(text)) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text: str) -> None:
    """Public addresses pass, those next to special ranges too."""
    assert forbidden_reason(ip_address(text)) is None


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
@pytest.mark.parametrize("text", SPECIAL_V4)
def test_special_ipv4_is_refused_inside_ipv6(text: str, embed: Embedding) -> None:
    """An IPv4 address that may not be called may not be called through IPv6 either."""
    assert forbidden_reason(IPv6Address(embed(IPv4Address(text)))) is not None


@settings(deadline=None)
@given(st.ip_addresses(v=4).map(lambda a: IPv4Address(str(a))))
def test_ipv4_is_judged_as_the_registries_say(address: IPv4Address) -> None:
    """An IPv4 address passes exactly when no special range holds it."""
    special = any(address in network for network in NETWORKS_V4) or str(address) in CLOUD
    assert special == (forbidden_reason(address) is not None)


def _inside(network: IPv6Network) -> st.SearchStrategy[IPv6Address]:
    return st.integers(0, network.num_addresses - 1).map(lambda at: network[at])


@settings(deadline=None)
@given(st.sampled_from(NETWORKS_V6).flatmap(_inside))
def test_ipv6_in_a_special_range_never_passes(address: IPv6Address) -> None:
    """No address of a special IPv6 range passes, wherever in the range it lies."""
    assert forbidden_reason(address) is not None


@settings(deadline=None)
@given(_inside(IPv6Network("2000::/3")))
def test_ipv6_unicast_outside_the_special_ranges_passes(address: IPv6Address) -> None:
    """A global unicast address that is in no special range and carries no IPv4 passes."""
    carries_ipv4 = (int(address) >> 32) & 0xFDFF_FFFF == 0x0000_5EFE
    if not carries_ipv4 and not any(address in network for network in NETWORKS_V6):
        assert forbidden_reason(address) is None


@settings(deadline=None)
@given(st.one_of(st.ip_addresses(v=4), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_nothing_passes_that_the_standard_library_calls_private(
    address: IPv4Address | IPv6Address,
) -> None:
    """The judgement is at least as strict as the standard library's."""
    if not address.is_global or address.is_multicast:
        assert forbidden_reason(address) is not None


@pytest.mark.parametrize(
    "trap",
    ["224.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe", "192.88.99.1", "5f00::1"],
)
def test_what_passes_is_global_is_still_refused(trap: str) -> None:
    """Addresses that the standard library's own filter lets pass are refused."""
    address = ip_address(trap)
    assert forbidden_reason(address) is not None
    assert forbidden_reason(address, allow_loopback=True) is not None


@pytest.mark.parametrize("text", LOOPBACK)
def test_loopback_passes_only_when_allowed(text: str) -> None:
    """Development may call plain loopback; nobody else may."""
    assert forbidden_reason(ip_address(text), allow_loopback=True) is None
    assert forbidden_reason(ip_address(text)) is not None


@pytest.mark.parametrize("text", [*SPECIAL_V4, *SPECIAL_V6, *CLOUD])
def test_allowing_loopback_allows_nothing_else(text: str) -> None:
    """With loopback allowed, every other special range stays refused."""
    address = ip_address(text)
    plain = str(address) == "::1" or (address.version == 4 and address.is_loopback)
    assert plain == (forbidden_reason(address, allow_loopback=True) is None)


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
def test_allowing_loopback_does_not_allow_it_inside_ipv6(embed: Embedding) -> None:
    """With loopback allowed, loopback carried in IPv6 stays refused."""
    address = IPv6Address(embed(IPv4Address("127.0.0.1")))
    assert forbidden_reason(address, allow_loopback=True) is not None


def test_a_zone_is_refused() -> None:
    """An address that names an interface is refused even where its number is public."""
    assert forbidden_reason(IPv6Address("2606:4700::1111%eth0")) is not None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("10.1.2.3", "private"),
        ("169.254.169.254", "metadata"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "compatible"),
        ("::ffff:8.8.8.8", "mapped"),
        ("::ffff:0:8.8.8.8", "translated"),
        ("64:ff9b::808:808", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::808:808", "local-use NAT64"),
        ("100::1", "discard"),
        ("100:0:0:1::1", "dummy"),
        ("2001::1", "Teredo"),
        ("2001:10::1", "ORCHID (RFC 4843)"),
        ("2001:20::1", "ORCHIDv2"),
        ("2001:1::1", "IETF"),
        ("2002:808:808::1", "6to4"),
        ("5f00::1", "segment"),
        ("fd00::1", "unique local"),
        ("fe80::1", "link local"),
        ("fec0::1", "site local"),
        ("ff02::1", "multicast"),
        ("4000::1", "global unicast"),
        ("2a00::5efe:a00:1", "ISATAP (RFC 5214) of private"),
    ],
)
def test_the_reason_names_the_range(text: str, word: str) -> None:
    """A refusal says what kind of address it is, by its narrowest range."""
    assert word in str(forbidden_reason(ip_address(text)))
