"""Which endpoint of an upstream serves the clients of another endpoint."""

from gateway.translation.contract import Translated

TRANSLATIONS: dict[tuple[str, str], Translated] = {}
"""By the client's path and the upstream's dialect."""
