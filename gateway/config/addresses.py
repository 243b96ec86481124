"""Check addresses in a configuration, and show them without passwords."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

_QUOTED = 80
_SECRET_QUERY = re.compile(r"(?<=[?&])([^=&#]*(?:key|token|secret|sig|password)[^=&#]*)=[^&#]*", re.IGNORECASE)


def base_url_problem(address: str) -> str | None:
    """Return what is wrong with the `base_url` of a deployment, or None. Never quotes a password."""
    parts = _split(address)
    if parts is not None and "@" in parts.netloc:
        return (
            "has a user or password in it, which would stand in logs and records; use 'api_key' or a base URL without"
        )
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        return f"{_shown(address)} is not an address such as http://gpu1:8000/v1"
    if parts.fragment or not _sendable(address):
        return f"{_shown(address)} has a '#', a space or a letter that no address has; write it percent-encoded"
    return None


def origin(address: str) -> str:
    """Return an address such as https://ai.example.com without the slash at its end. Raises `ValueError`."""
    parts = _split(address)
    bare = parts is not None and parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts is None or not bare or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("must be an address without a path, such as https://ai.example.com")
    if not _sendable(address):
        raise ValueError("has a space or a letter that no address has; write it as browsers send it")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def endpoint_problem(address: str) -> str | None:
    """Return what is wrong with `ledger.destination`, or None."""
    parts = _split(address)
    if parts is None or any(not each.isprintable() for each in address):
        return "is not a folder or an address such as s3://bucket/prefix"
    if parts.scheme == "file" and parts.netloc:
        return f"file://{parts.netloc} names another machine; mount its folder and write file:///A/FOLDER"
    if "@" in parts.netloc:
        return "has a user or password in it; put them into 'ledger.store_options' or the environment"
    if parts.scheme not in ("", "file") and (parts.query or parts.fragment):
        return "has a '?' or '#'; write s3://bucket/prefix and put options into 'ledger.store_options'"
    return None


def without_secrets(address: str | None) -> str | None:
    """Return an address as people may see it: `***` for its user info and for keys in its query."""
    if address is None:
        return None
    shown = re.sub(r"(?<=//)[^/?#]*@", "***@", address)
    return _SECRET_QUERY.sub(r"\1=***", shown)


def secrets_in(address: str) -> tuple[str, ...]:
    """Return the values of keys in the query of a base URL."""
    return tuple(unquote(each[0].partition("=")[2]) for each in _SECRET_QUERY.finditer(address))


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _sendable(address: str) -> bool:
    return all("!" <= each <= "~" for each in address)


def _shown(address: str) -> str:
    return f"'{without_secrets(address[:_QUOTED])}'"
