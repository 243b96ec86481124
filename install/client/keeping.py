"""A person's keys at gateways: in the system's keyring, or in a file that only they read where there is none."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.files import replacing, try_lock
from gateway.secret import Secret, weakness
from install.client.writing import create_file
from install.errors import UsageError
from install.wording import reason_of, say

_SERVICE = "sekisho"
_PRIVATE = 0o600
_LARGEST = 256 * 1024
_MOST = 50
"""Keys that are remembered."""
_PATIENCE_SECONDS, _LOOK_SECONDS = 30.0, 0.05
"""For which another process may renew; whoever died holds nothing."""
_LEAST_PRIORITY = 1
"""Of a keyring that keeps anything: the stand-ins for systems without one have less."""


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key at a gateway; `ends` in Unix seconds, None where it does not end or nobody knows."""

    root: str
    key: Secret
    ends: float | None = None
    renewal: Secret | None = None
    """What gives the next key: only a sign-in has it."""
    tool: str = ""
    """The program that has the key for itself, as it can run no command for one."""

    @property
    def name(self) -> str:
        """Return the name under which it is kept."""
        return name_of(self.root, self.tool)

    @property
    def text(self) -> str:
        """Return what is kept secret: the key, and what renews it."""
        if self.renewal is None:
            return self.key.reveal()
        return json.dumps({"key": self.key.reveal(), "renewal": self.renewal.reveal()})

    @property
    def ended(self) -> bool:
        return self.ends is not None and self.ends <= time.time()


def name_of(root: str, tool: str = "") -> str:
    return f"{root}#{tool}" if tool else root


class KeyBox:
    """The keys of one person. `folder` holds what is no secret, and the keys where there is no keyring."""

    def __init__(self, folder: Path) -> None:
        self._gateways, self._keys = folder / "gateways.json", folder / "keys.json"

    def keep(self, kept: KeptKey) -> None:
        """Keep a key; the gateway is the one that is meant where none is named. Raises `UsageError`."""
        others = {name: ends for name, ends in self._read(self._gateways).items() if name != kept.name}
        if (ring := _Ring.of_the_system()) is not None:
            ring.keep(kept.name, kept.text)
        else:
            self._write(self._keys, {**self._read(self._keys), kept.name: kept.text})
        self._write(self._gateways, {kept.name: kept.ends, **others})
        for oldest in list(others)[_MOST - 1 :]:
            self.forget(*_parts(oldest))

    def find(self, root: str, tool: str = "") -> KeptKey | None:
        """Return the key at a gateway, None where none is kept. Raises `UsageError`."""
        name = name_of(root, tool)
        if name not in (gateways := self._read(self._gateways)):
            return None
        ring = _Ring.of_the_system()
        value = (ring.find(name) if ring is not None else None) or self._read(self._keys).get(name)
        key, renewal = _secrets(value)
        if key is None:
            return None
        ends = gateways[name]
        return KeptKey(root, key, float(ends) if isinstance(ends, int | float) else None, renewal, tool)

    def newest(self) -> str | None:
        """Return the gateway for which a key was kept last."""
        return next((root for root, tool in map(_parts, self._read(self._gateways)) if not tool), None)

    def tools(self, root: str) -> list[KeptKey]:
        """Return the keys that programs have for themselves at a gateway."""
        names = [_parts(name) for name in self._read(self._gateways)]
        return [kept for at, tool in names if at == root and tool and (kept := self.find(root, tool))]

    def forget(self, root: str, tool: str = "") -> bool:
        """Delete a key; return whether there was one. Raises `UsageError`."""
        known, gone = self.find(root, tool) is not None, name_of(root, tool)
        if known and (ring := _Ring.of_the_system()) is not None:
            ring.forget(gone)
        for file in (self._gateways, self._keys):
            left = {name: value for name, value in self._read(file).items() if name != gone}
            if left != self._read(file):
                self._write(file, left)
        return known

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the box against other processes that would renew the same key. Raises `UsageError`."""
        path, deadline = self._keys.with_name("renewing.lock"), time.monotonic() + _PATIENCE_SECONDS
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE)
        except OSError as error:
            raise _unusable(path, reason_of(error)) from error
        try:
            while not try_lock(file) and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
            yield
        finally:
            os.close(file)

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

    def find(self, name: str) -> str | None:
        with _answering():
            found: str | None = self._ring.get_password(_SERVICE, name)
            return found

    def keep(self, name: str, text: str) -> None:
        with _answering():
            self._ring.set_password(_SERVICE, name, text)

    def forget(self, name: str) -> None:
        with _answering():
            if self._ring.get_password(_SERVICE, name) is not None:
                self._ring.delete_password(_SERVICE, name)


def _parts(name: str) -> tuple[str, str]:
    """Return root and tool of a name; no root has a fragment."""
    root, _, tool = name.partition("#")
    return root, tool


def _secrets(text: object) -> tuple[Secret | None, Secret | None]:
    """Return key and renewal of what is kept; no key for what cannot be one."""
    if isinstance(text, str) and text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None, None
        (key, _), (renewal, _) = _secrets(found.get("key")), _secrets(found.get("renewal"))
        return key, renewal
    return (Secret(text), None) if isinstance(text, str) and not weakness(text) else (None, None)


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
