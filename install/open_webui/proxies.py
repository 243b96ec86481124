"""Proxies of the environment: never asked for this machine, and named where one stands in the way."""

import ipaddress
import urllib.request
from urllib.parse import urlsplit

from install.wording import say

LOOPBACK = "127.0.0.1,localhost,::1"


def is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_of(url: str) -> str | None:
    """Return scheme, host and port of the proxy that a request to this address goes through, without credentials."""
    try:
        parts = urlsplit(url)
        if is_loopback(url) or not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
            return None
        proxies = urllib.request.getproxies()
        found = urlsplit(proxies.get(parts.scheme) or proxies.get("all") or "")
        return (
            f"{found.scheme}://{found.hostname}" + (f":{found.port}" if found.port else "") if found.hostname else None
        )
    except ValueError:
        return None


def through_proxy(url: str) -> str:
    """Return a sentence to add to a failure, "" where no proxy was asked."""
    proxy = proxy_of(url)
    return (
        say(" It was asked through the proxy {proxy}: put its name into NO_PROXY to ask it directly.", proxy=proxy)
        if proxy
        else ""
    )


def no_proxy(environment: dict[str, str]) -> dict[str, str]:
    """Return `NO_PROXY` in both spellings with this machine added to what stands there."""
    kept = environment.get("no_proxy") or environment.get("NO_PROXY")
    value = f"{kept},{LOOPBACK}" if kept else LOOPBACK
    return {"NO_PROXY": value, "no_proxy": value}
