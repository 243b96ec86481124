"""Secrets that the pack replaced, kept to be restored: one file that its owner alone can read."""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from gateway.secret import Secret
from install.errors import InstallError
from install.wording import say


def fingerprint(value: str, salt: str) -> str:
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(say("a value is no text"))
    return value


def unusable(path: Path, why: str) -> InstallError:
    return InstallError(
        say("{path} cannot be used: {why}.", path=path, why=why),
        say("Move it away, or choose another folder with --state."),
    )


class SecretStore:
    """Values by fingerprint. The salt is this file's own, so that a receipt alone cannot be searched for passwords."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            values = kept.get("values", {}).items()
            self._values: dict[str, Secret] = {name: Secret(_text(value)) for name, value in values}
            self.salt: str = _text(kept.get("salt") or secrets.token_hex(16))
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise unusable(path, str(error)) from error

    def fingerprint(self, value: str) -> str:
        return fingerprint(value, self.salt)

    def keep(self, value: str) -> str:
        """Remember `value`; its fingerprint."""
        mark = self.fingerprint(value)
        if mark not in self._values:
            self._values[mark] = Secret(value)
            self.save()
        return mark

    def value(self, mark: str) -> str | None:
        kept = self._values.get(mark)
        return kept.reveal() if kept else None

    def save(self) -> None:
        values = {name: value.reveal() for name, value in self._values.items()}
        write_private(self._path, json.dumps({"salt": self.salt, "values": values}))
