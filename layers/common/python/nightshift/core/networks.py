"""Which network a client's address belongs to: what limits and delays are counted by."""

_PREFIX = 64


def network_of(address: str) -> str:
    """Return what stands for all addresses that one client can choose among.

    An IPv4 address is itself, also where it is written inside of an IPv6 one; an IPv6 client has at
    least a /64 of its own (RFC 6177, RFC 4291 section 2.5.4) and could come from another address
    each time. A text that is no address is itself.
    """
    if ":" not in address:
        return address
    import ipaddress  # noqa: PLC0415 - cold start; most clients come over IPv4

    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, _PREFIX), strict=False))
