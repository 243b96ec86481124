"""A receipt in the making."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path as File
from typing import Any, TextIO

from install.pack.engine.applied import Fingerprint
from install.pack.engine.change import Change
from install.pack.engine.secret_store import SecretStore
from install.pack.tree import ABSENT, Leaf, Path


class Writer:
    """Every line reaches the disk before the next request is sent."""

    def __init__(
        self, path: File, vault: SecretStore, command: str, version: str, at: datetime, *, volatile: bool = False
    ) -> None:
        self.name = path.stem
        self._vault = vault
        self._steps = 0
        self._file: TextIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
        head = {"command": command, "at": at.isoformat(timespec="seconds"), "open_webui": version}
        self._line({**head, **({"volatile": True} if volatile else {})})

    def intend(self, change: Change, *, adopted: bool = False) -> int:
        """Record a write before it is sent; return the number that `done` takes."""
        creates, deletes, undoes = change.current is None, change.target is None, change.base is not None
        more = {"creates": creates, "deletes": deletes, "undoes": undoes, "base_created": change.base_created}
        more["adopted"] = adopted
        return self._step(change, more)

    def seen(self, change: Change, *, created: bool) -> None:
        """Record a resource that was found as the manifest wants it."""
        self._step(change, {"seen": True, "creates": created})

    def forget(self, change: Change) -> None:
        """Record that a resource is gone and need not be remembered."""
        self._step(change, {"seen": True, "deletes": True})

    def _step(self, change: Change, more: Mapping[str, bool]) -> int:
        sides = {path: (value, value) for path, value in change.seen.items()} | dict(change.touched)
        leaves = [self._leaf(path, *each, path in change.secrets) for path, each in sides.items()]
        for leaf in leaves:
            if change.base and (path := tuple(leaf["path"])) in change.base:
                leaf["base"] = self._base(change.base[path], path in change.secrets)
        above = [self._leaf(path, value, ABSENT, secret=False) for path, value in change.above.items()]
        line = {"kind": change.kind, "id": change.id, "action": str(change.action), "leaves": leaves}
        self._line({**line, **({"above": above} if above else {}), **{name: True for name, on in more.items() if on}})
        self._steps += 1
        return self._steps - 1

    def _base(self, value: object, secret: bool) -> object:
        if isinstance(value, Fingerprint):
            return {"fingerprint": value.hex}
        return {"fingerprint": self._vault.keep(value)} if secret and isinstance(value, str) and value else value

    def _leaf(self, path: Path, before: Leaf, after: Leaf, secret: bool) -> dict[str, Any]:
        line: dict[str, Any] = {"path": list(path), **({"secret": True} if secret else {})}
        for side, value in (("before", before), ("after", after)):
            if value is ABSENT:
                continue
            if secret and isinstance(value, str) and value:
                # Only what was there before has to be restorable.
                mark = self._vault.keep(value) if side == "before" else self._vault.fingerprint(value)
                line[side] = {"fingerprint": mark}
            else:
                line[side] = value
        return line

    def done(self, step: int) -> None:
        self._line({"done": step})

    def taken_back(self, step: int) -> None:
        self._line({"taken_back": step})

    def end(self) -> None:
        self._line({"end": True})
        self._file.close()

    def close(self) -> None:
        self._file.close()

    def _line(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
