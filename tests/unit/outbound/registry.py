"""The special-purpose ranges, written down anew from the IANA registries, not from our own table.

IPv4: iana-ipv4-special-registry, plus multicast. IPv6: iana-ipv6-special-registry, plus multicast,
the deprecated ranges and the ways to carry IPv4. Cloud credential addresses are single hosts.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

_V4_TEXT = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24
198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
"""
V4 = _V4_TEXT.split()

_V6_TEXT = """
::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28
2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7
fe80::/10 fec0::/10 ff00::/8 ::/96 ::ffff:0:0:0/96 4000::/2 8000::/1
"""
V6 = _V6_TEXT.split()

_CLOUD_TEXT = """
169.254.169.254 169.254.170.2 169.254.170.23 169.254.169.253 169.254.169.123 100.100.100.200
192.0.0.192 168.63.129.16 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
"""
CLOUD = _CLOUD_TEXT.split()

_PUBLIC_TEXT = """
8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0
192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255
198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2000:: 2001:200:: 2001:4860:4860::8888
2003::1 2606:4700::1111 2620:4f:7fff:ffff:: 2620:4f:8001:: 2a00:1450:4001:81b::200e
2001:db7:ffff:: 2001:db9:: 3ffe:ffff:: 3fff:1000:: 2600::5efe:808:808
"""
PUBLIC = _PUBLIC_TEXT.split()


def samples(network: str) -> list[str]:
    """Return the first, a middle and the last address of a range."""
    found = ip_network(network)
    half = found.num_addresses // 2
    return list(dict.fromkeys(str(found[at]) for at in (0, half, -1)))


SPECIAL_V4 = list(dict.fromkeys(sample for network in V4 for sample in samples(network)))
SPECIAL_V6 = list(dict.fromkeys(sample for network in V6 for sample in samples(network)))
NETWORKS_V4 = [IPv4Network(text) for text in V4]
NETWORKS_V6 = [IPv6Network(text) for text in V6]


def _v6(high: int, address: IPv4Address, *, shift: int = 0) -> str:
    return str(IPv6Address(high | (int(address) << shift)))


Embedding = Callable[[IPv4Address], str]

EMBEDDINGS: dict[str, Embedding] = {
    "mapped": lambda a: _v6(0xFFFF << 32, a),
    "compatible": lambda a: _v6(0, a),
    "translated": lambda a: _v6(0xFFFF << 48, a),
    "nat64": lambda a: _v6(0x64FF9B << 96, a),
    "nat64_local_96": lambda a: _v6(0x64FF9B0001 << 80, a),
    "6to4": lambda a: _v6(0x2002 << 112, a, shift=80),
    "teredo_server": lambda a: _v6(0x20010000 << 96, a, shift=64),
    "teredo_client": lambda a: str(IPv6Address((0x20010000 << 96) | (int(a) ^ 0xFFFFFFFF))),
    "isatap": lambda a: _v6((0x2A00 << 112) | (0x5EFE << 32), a),
    "isatap_u_bit": lambda a: _v6((0x2A00 << 112) | (0x2005EFE << 32), a),
}
