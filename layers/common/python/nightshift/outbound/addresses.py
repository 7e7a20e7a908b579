"""Which IP addresses a call may reach: public unicast ones and nothing else.

The judgement is a deny list over the IANA IPv4 and IPv6 Special-Purpose Address Registries
(RFC 6890 and its updates), multicast (RFC 5771, RFC 4291) and the addresses at which clouds serve
credentials. IPv6 is turned round: only the global unicast space 2000::/3 (RFC 4291, IANA) can pass
at all, and the special ranges within it do not. `ipaddress`'s own `is_global` is no such filter: it
lets multicast, IPv4 embedded in IPv6 and newer assignments pass.

A registry entry counts as a whole, "globally reachable" or not: AS112, AMT, NAT64 and the anycast
services have no webhooks. IPv4 inside IPv6 (mapped RFC 4291 2.5.5.2, compatible 2.5.5.1, translated
RFC 7915, NAT64 RFC 6052 and RFC 8215, 6to4 RFC 3056, Teredo RFC 4380) is refused with those ranges;
ISATAP (RFC 5214), which may live under any prefix, is judged by the IPv4 address that it carries.
Not recognised: a NAT64 prefix of the operator's own choosing (RFC 6052 section 2.2), which looks
like any other unicast prefix; do not run this behind such a translator.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private use (RFC 1918)"),
        ("100.64.0.0/10", "shared address space (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link local, cloud metadata (RFC 3927)"),
        ("172.16.0.0/12", "private use (RFC 1918)"),
        ("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.31.196.0/24", "AS112 (RFC 7535)"),
        ("192.52.193.0/24", "AMT (RFC 7450)"),
        ("192.88.99.0/24", "6to4 relay anycast (RFC 7526)"),
        ("192.168.0.0/16", "private use (RFC 1918)"),
        ("192.175.48.0/24", "AS112 (RFC 7534)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved, broadcast (RFC 1112, RFC 8190)"),
        ("168.63.129.16/32", "the platform service of a cloud's virtual machines"),
    )
)

_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")

_SPECIAL_V6 = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "unspecified (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("::/96", "IPv4-compatible (RFC 4291)"),
        ("::ffff:0:0/96", "IPv4-mapped (RFC 4291)"),
        ("::ffff:0:0:0/96", "IPv4-translated (RFC 7915)"),
        ("64:ff9b::/96", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::/48", "local-use NAT64 (RFC 8215)"),
        ("100::/64", "discard only (RFC 6666)"),
        ("100:0:0:1::/64", "dummy prefix (RFC 9780)"),
        ("2001::/32", "Teredo (RFC 4380)"),
        ("2001:10::/28", "ORCHID (RFC 4843)"),
        ("2001:20::/28", "ORCHIDv2 (RFC 7343)"),
        ("2001::/23", "IETF protocol assignments (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4 (RFC 3056)"),
        ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("5f00::/16", "segment routing SIDs (RFC 9602)"),
        ("fc00::/7", "unique local (RFC 4193)"),
        ("fe80::/10", "link local (RFC 4291)"),
        ("fec0::/10", "site local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)

_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")
# RFC 5214 section 6.1: the interface identifier ::0:5efe:a.b.c.d, with or without the u bit.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def forbidden_reason(address: IPAddress, *, allow_loopback: bool = False) -> str | None:
    """Return why a call must not reach `address`, in a few words, or None when it may.

    `allow_loopback` lets 127.0.0.0/8 and ::1 pass, in these plain forms only, for development.
    An IPv6 address with a zone (RFC 4007) is always refused.
    """
    if isinstance(address, IPv4Address):
        return _reason_v4(address, allow_loopback=allow_loopback)
    return _reason_v6(address, allow_loopback=allow_loopback)


def _reason_v4(address: IPv4Address, *, allow_loopback: bool) -> str | None:
    if allow_loopback and address in _LOOPBACK_V4:
        return None
    return next((name for network, name in _SPECIAL_V4 if address in network), None)


def _reason_v6(address: IPv6Address, *, allow_loopback: bool) -> str | None:
    if address.scope_id is not None:
        return "it has a zone (RFC 4007)"
    if allow_loopback and address == _LOOPBACK_V6:
        return None
    for network, name in _SPECIAL_V6:
        if address in network:
            return name
    if address not in _GLOBAL_UNICAST_V6:
        return "not global unicast (RFC 4291)"
    return _isatap_reason(address)


def _isatap_reason(address: IPv6Address) -> str | None:
    if (int(address) >> 32) & 0xFFFF_FFFF not in _ISATAP:
        return None
    inner = _reason_v4(IPv4Address(int(address) & 0xFFFF_FFFF), allow_loopback=False)
    return f"ISATAP (RFC 5214) of {inner}" if inner else None
