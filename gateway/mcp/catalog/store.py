"""Listings on disk, so that lists are answered while servers are down or have not been started."""

import logging
import os
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.config.mcp import McpServer
from gateway.mcp.catalog.listing import Listing

log = logging.getLogger("sekisho.mcp")

_LARGEST = 64 * 1024 * 1024


def fingerprint_of(server: McpServer) -> str:
    """Return what changes when a server's entry in the configuration means another server."""
    what = (server.command, server.url, sorted(server.env), server.bounds.model_dump(), str(server.cwd), server.roots)
    return sha256(repr(what).encode(errors="surrogatepass")).hexdigest()[:16]


class ListingStore:
    """One file a listing: `<server>.<owner>.<variant>.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, server: str, owner: str, variant: str, fingerprint: str) -> Listing | None:
        """Return a kept listing of the same configuration, or None."""
        try:
            path = self._path(server, owner, variant)
            if path.stat().st_size > _LARGEST:
                return None
            listing = msgspec.json.decode(path.read_bytes(), type=Listing)
        except (OSError, msgspec.DecodeError, RecursionError, ValueError):
            return None
        return listing if listing.fingerprint == fingerprint else None

    def save(self, server: str, owner: str, variant: str, listing: Listing) -> None:
        """Keep a listing; where the disk does not take it, it lives in memory only."""
        path = self._path(server, owner, variant)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(listing))
            part.replace(path)
        except OSError as error:
            log.warning("the list of tool server %s cannot be kept: %s", server, error.strerror)

    def _path(self, server: str, owner: str, variant: str) -> Path:
        return self._folder / f"{server}.{owner}.{variant}.json"
