"""The head of a request: collected from llhttp, validated before the application is called."""

from urllib.parse import unquote

import httptools

from gateway.config.schema import Server
from gateway.serving.refusal import Refusal

_VERSIONS = ("1.1", "1.0")
_BODY_FIELDS = (b"content-length", b"transfer-encoding")

Target = tuple[str, bytes, bytes]
"""Path, raw path, query."""


class Head:
    """Target and headers in the order of arrival; names in lower case."""

    __slots__ = ("_hosts", "expects_continue", "fields", "url")

    def __init__(self) -> None:
        self.url = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self._hosts = 0
        self.expects_continue = False
        """True if the client waits for "100 Continue" before it sends the body."""

    def add(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.fields.append((name, value))
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expects_continue = value.lower() == b"100-continue"

    def fault(self, version: str, received_bytes: int, limits: Server, *, upgrades: bool) -> Refusal | None:
        """Return what is wrong with a head that llhttp could read.

        `received_bytes` is an upper bound of its size, `upgrades` whether another protocol is asked for.
        """
        if len(self.fields) > limits.max_header_fields:
            return Refusal.TOO_MANY_FIELDS
        if received_bytes > limits.max_head_bytes and self._size() > limits.max_head_bytes:
            return Refusal.HEAD_TOO_LARGE
        if version not in _VERSIONS:
            return Refusal.MALFORMED
        if upgrades and any(name in _BODY_FIELDS for name, _ in self.fields):
            return Refusal.UPGRADE  # llhttp takes the body for the other protocol
        return Refusal.NO_HOST if self._hosts > 1 or (not self._hosts and version == "1.1") else None

    def target(self) -> Target | None:
        """Return the target; None if it is not served (CONNECT, invalid characters)."""
        try:
            parsed = httptools.parse_url(self.url)
            raw = parsed.path or b"/"
            text = raw.decode("ascii")
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError):
            return None
        return unquote(text) if "%" in text else text, raw, parsed.query or b""

    def _size(self) -> int:
        return len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.fields])
