"""Certificate authorities that outgoing TLS connections trust."""

import ssl
from pathlib import Path

from gateway.errors import ConfigError


def http_context(custom_ca: Path | None) -> ssl.SSLContext:
    """Return a TLS context for HTTP/1.1 that trusts the public authorities and the company's. Raises `ConfigError`."""
    context = tls_context(custom_ca)
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_context(custom_ca: Path | None) -> ssl.SSLContext:
    """Return a TLS context for any protocol; `custom_ca` is a PEM file. Raises `ConfigError`."""
    context = ssl.create_default_context()
    if custom_ca:
        try:
            context.load_verify_locations(custom_ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"server.custom_ca: {custom_ca} is not a readable PEM file ({error})") from error
    return context
