"""Listings on disk, so that lists are answered while servers are down or have not been started."""

import logging
import os
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.config.mcp import McpServer
from gateway.files import private_folder
from gateway.mcp.catalog.listing import Listing

log = logging.getLogger("sekisho.mcp")

Place = tuple[str, str, str]
"""Server, owner, variant."""

_LARGEST = 64 * 1024 * 1024


def fingerprint_of(server: McpServer) -> str:
    """Return what changes when a server's entry in the configuration means another server."""
    what = (server.command, server.url, sorted(server.env), server.bounds.model_dump(), str(server.cwd), server.roots)
    return sha256(repr(what).encode(errors="surrogatepass")).hexdigest()[:16]


class ListingStore:
    """One file a listing: `<server>.<owner>.<variant>.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_all(self, most: int) -> dict[Place, Listing]:
        """Return the kept listings, `most` of them; a file that cannot be read is passed over."""
        try:
            paths = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[-most:]
        except OSError:
            return {}
        return {place: listing for path in paths if (place := _place(path)) and (listing := _read(path))}

    def save(self, place: Place, listing: Listing) -> None:
        """Keep a listing; where the disk does not take it, it lives in memory only."""
        server, owner, variant = place
        path = self._folder / f"{server}.{owner}.{variant}.json"
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            private_folder(self._folder.parent)
            private_folder(self._folder)
            part.write_bytes(msgspec.json.encode(listing))
            part.replace(path)
        except OSError as error:
            log.warning("the list of tool server %s cannot be kept: %s", server, error.strerror)


def _place(path: Path) -> Place | None:
    parts = path.name.split(".")
    return (parts[0], parts[1], parts[2]) if len(parts) == 4 else None


def _read(path: Path) -> Listing | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Listing)
    except (OSError, msgspec.DecodeError, RecursionError, ValueError):
        return None
