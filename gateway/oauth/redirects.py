"""Where an authorization code may be sent: to a program on the person's own machine, at any port (RFC 8252, 7.3)."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_LOOPBACK = ("127.0.0.1", "::1")
_LONGEST = 512


def is_loopback(uri: str) -> bool:
    """Return whether a redirect URI is `http` at 127.0.0.1 or [::1], without user, fragment and odd characters.

    Browsers read some characters in ways of their own (backslashes, blanks), so that only plain ones pass.
    """
    if not uri or len(uri) > _LONGEST or not uri.isascii() or not _PLAIN.issuperset(uri):
        return False
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if parts.hostname == "::1" else parts.hostname
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and bool(port) and parts.netloc == f"{host}:{port}"


def with_parameters(uri: str, **parameters: str) -> str:
    """Return a redirect URI with parameters after its own."""
    parts = urlsplit(uri)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()])
    return urlunsplit(parts._replace(query=query))


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?[]=&%")
