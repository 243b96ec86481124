"""A person's keys at gateways: in the system's keyring, or in a file that only they read where there is none."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.files import replacing
from gateway.secret import Secret, weakness
from install.client.writing import create_file
from install.errors import UsageError
from install.wording import reason_of, say

_SERVICE = "sekisho"
_PRIVATE = 0o600
_LARGEST = 256 * 1024
_MOST = 50
"""Gateways that are remembered."""
_LEAST_PRIORITY = 1
"""Of a keyring that keeps anything: the stand-ins for systems without one have less."""


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key at a gateway; `ends` in Unix seconds, None where it does not end or nobody knows."""

    root: str
    key: Secret
    ends: float | None = None

    @property
    def ended(self) -> bool:
        return self.ends is not None and self.ends <= time.time()


class KeyBox:
    """The keys of one person. `folder` holds what is no secret, and the keys where there is no keyring."""

    def __init__(self, folder: Path) -> None:
        self._gateways, self._keys = folder / "gateways.json", folder / "keys.json"

    def keep(self, kept: KeptKey) -> None:
        """Keep a key; the gateway is the one that is meant where none is named. Raises `UsageError`."""
        others = {root: ends for root, ends in self._read(self._gateways).items() if root != kept.root}
        if (ring := _Ring.of_the_system()) is not None:
            ring.keep(kept.root, kept.key)
        else:
            self._write(self._keys, {**self._read(self._keys), kept.root: kept.key.reveal()})
        self._write(self._gateways, {kept.root: kept.ends, **others})
        for oldest in list(others)[_MOST - 1 :]:
            self.forget(oldest)

    def find(self, root: str) -> KeptKey | None:
        """Return the key at a gateway, None where none is kept. Raises `UsageError`."""
        if root not in (gateways := self._read(self._gateways)):
            return None
        ring = _Ring.of_the_system()
        value = (ring.find(root) if ring is not None else None) or self._read(self._keys).get(root)
        if not isinstance(value, str) or weakness(value):
            return None
        ends = gateways[root]
        return KeptKey(root, Secret(value), float(ends) if isinstance(ends, int | float) else None)

    def newest(self) -> str | None:
        """Return the gateway for which a key was kept last."""
        return next(iter(self._read(self._gateways)), None)

    def forget(self, root: str) -> bool:
        """Delete a key; return whether there was one. Raises `UsageError`."""
        known = self.find(root) is not None
        if known and (ring := _Ring.of_the_system()) is not None:
            ring.forget(root)
        for file in (self._gateways, self._keys):
            left = {name: value for name, value in self._read(file).items() if name != root}
            if left != self._read(file):
                self._write(file, left)
        return known

    def _read(self, path: Path) -> Mapping[str, Any]:
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= _LARGEST else None
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            found = None
        except OSError as error:
            raise _unusable(path, reason_of(error)) from error
        if not isinstance(found, dict):
            raise _unusable(path, say("it cannot be read"))
        return found

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(path) as partial:
                create_file(partial, json.dumps(content, indent=2).encode(), _PRIVATE)
        except OSError as error:
            raise _unusable(path, reason_of(error)) from error


class _Ring:
    """The system's keyring. Every method raises `UsageError` where it is locked or does not answer."""

    def __init__(self, ring: Any) -> None:
        self._ring = ring

    @classmethod
    def of_the_system(cls) -> "_Ring | None":
        """Return it, None where there is none that keeps anything."""
        # Its import looks for every kind of keyring, which takes longer than most of our commands.
        import keyring

        ring = keyring.get_keyring()
        try:
            return cls(ring) if ring.priority >= _LEAST_PRIORITY else None
        except (AttributeError, RuntimeError, TypeError):
            return None

    def find(self, root: str) -> str | None:
        with _answering():
            found: str | None = self._ring.get_password(_SERVICE, root)
            return found

    def keep(self, root: str, key: Secret) -> None:
        with _answering():
            self._ring.set_password(_SERVICE, root, key.reveal())

    def forget(self, root: str) -> None:
        with _answering():
            if self._ring.get_password(_SERVICE, root) is not None:
                self._ring.delete_password(_SERVICE, root)


@contextmanager
def _answering() -> Iterator[None]:
    from keyring.errors import KeyringError

    try:
        yield
    except KeyringError as error:
        raise UsageError(
            say("The system's keyring does not answer ({why}).", why=type(error).__name__),
            say("Unlock it, or set PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring to keep the key in a file."),
        ) from error


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(
        say("The file of keys {path} cannot be used: {why}.", path=path, why=why),
        say("Mend or delete it, and keep the key again with `sekisho key --save`."),
    )
