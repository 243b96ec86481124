"""How this process reaches servers outside, for those that do not use the upstream client: fetchers of tokens."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.upstream.destination import is_internal


@dataclass(frozen=True, slots=True)
class Outbound:
    """The settings of the same names in `server:`."""

    outbound_proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    custom_ca: Path | None = None

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy through which a URL is asked; None = directly."""
        return None if is_internal(urlsplit(url).hostname or "", self.no_proxy) else self.outbound_proxy


DIRECT = Outbound()
