"""Encryption of recorded prompts and answers: AES-256-GCM, with a key for each person that is itself encrypted.

Who forgets a person throws that person's key away; what was written with it is then noise, on backups too.
"""

import base64
import binascii
import contextlib
import hmac
import secrets
from pathlib import Path

from cachetools import LRUCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import ConfigError
from gateway.files import create_once
from gateway.secret import Secret

_NONCE = 12
_KEY = 32
_KEYS_KEPT = 1000


def master_key(secret: Secret) -> bytes:
    """Return the 32 bytes of `ledger.content.encryption_key`. Raises `ConfigError`."""
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY:
        raise ConfigError(
            "ledger.content.encryption_key: must be 32 bytes in base64; make one with `openssl rand -base64 32`"
        )
    return key


class Keys:
    """The keys of persons, in a folder, each encrypted under the master key."""

    def __init__(self, folder: Path, master: bytes) -> None:
        self._folder = folder
        self._master = AESGCM(master)
        self._tagging = hmac.digest(master, b"person", "sha256")
        self._open: LRUCache[str, AESGCM] = LRUCache(_KEYS_KEPT)

    def tag(self, person: str) -> str:
        """Return the pseudonym of a person in files."""
        return hmac.digest(self._tagging, person.encode(), "sha256").hex()[:32]

    def seal(self, tag: str, content: bytes, about: bytes) -> bytes:
        """Encrypt; return nonce and ciphertext, authenticated with `about`."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._key(tag).encrypt(nonce, content, about)

    def unseal(self, tag: str, sealed: bytes, about: bytes) -> bytes | None:
        """Decrypt; return None if the person was forgotten or the content was tampered with."""
        cipher = self._open.get(tag) or self._read(tag)
        with contextlib.suppress(InvalidTag):
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about) if cipher else None
        return None

    def forget(self, tag: str) -> bool:
        """Delete a person's key; return whether there was one."""
        self._open.pop(tag, None)
        try:
            self._path(tag).unlink()
        except FileNotFoundError:
            return False
        return True

    def _key(self, tag: str) -> AESGCM:
        """Return a person's key. The file is checked each time, as another process may have deleted it."""
        if not self._path(tag).exists():
            self._open.pop(tag, None)
            self._make(tag)
        if tag not in self._open:
            cipher = self._read(tag)
            if cipher is None:
                raise ConfigError("a person's key cannot be opened; was ledger.content.encryption_key changed?")
            self._open[tag] = cipher
        return self._open[tag]

    def _make(self, tag: str) -> None:
        """Create a person's key, unless another process was first."""
        nonce = secrets.token_bytes(_NONCE)
        create_once(self._path(tag), nonce + self._master.encrypt(nonce, secrets.token_bytes(_KEY), tag.encode()))

    def _read(self, tag: str) -> AESGCM | None:
        with contextlib.suppress(FileNotFoundError, InvalidTag):
            sealed = self._path(tag).read_bytes()
            return AESGCM(self._master.decrypt(sealed[:_NONCE], sealed[_NONCE:], tag.encode()))
        return None

    def _path(self, tag: str) -> Path:
        return self._folder / f"{tag}.key"
