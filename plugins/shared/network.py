"""Addresses within private networks, which a plugin may be forbidden to call."""

from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import aiohttp

from plugins.shared.trouble import Trouble


def refuse_private(host: str) -> None:
    """Raise Trouble if `host` is an address that is not public; names are left to PublicResolver."""
    with suppress(ValueError):
        address = ip_address(host.strip("[]"))
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not mapped.is_global or mapped.is_multicast:
            raise Trouble("private")


class PublicResolver:
    """Resolver for aiohttp that looks up names when connecting and refuses those within private networks."""

    def __init__(self) -> None:
        self.inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        found = await self.inner.resolve(host, port, family)
        for entry in found:
            refuse_private(entry["host"])
        return found

    async def close(self) -> None:
        await self.inner.close()
