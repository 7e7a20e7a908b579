import asyncio
from ipaddress import ip_address

import pytest

from nightshift.outbound.fakes import StubResolver
from nightshift.outbound.resolver import LookupFailedError, Resolver, SystemResolver


@pytest.fixture(params=["system", "stub"])
def resolver(request: pytest.FixtureRequest) -> Resolver:
    """Each resolver in turn."""
    if request.param == "system":
        return SystemResolver()
    return StubResolver({"localhost": [["127.0.0.1", "::1"]]})


def test_a_name_has_its_addresses_once_each(resolver: Resolver) -> None:
    """A look-up gives every address of the name, none of them twice."""
    found = asyncio.run(resolver.resolve("localhost"))
    resolver.close()
    assert found
    assert len(set(found)) == len(found)
    assert {ip_address("127.0.0.1"), ip_address("::1")} >= set(found)


# Names that no query can carry, so that the system's resolver fails without asking anybody.
@pytest.mark.parametrize("name", ["a" * 64 + ".invalid", "a..invalid", "a." * 200 + "invalid"])
def test_a_name_without_address_fails(resolver: Resolver, name: str) -> None:
    """A name that cannot exist is a failed look-up, however the system puts it."""
    with pytest.raises(LookupFailedError):
        asyncio.run(resolver.resolve(name))
    resolver.close()


def test_a_closed_resolver_may_be_closed_and_used_again(resolver: Resolver) -> None:
    """Closing twice is harmless, and a later call looks up all the same."""
    asyncio.run(resolver.resolve("localhost"))
    resolver.close()
    resolver.close()
    assert asyncio.run(resolver.resolve("localhost"))
    resolver.close()
