"""Receipts: what the pack did to a server, written line by line while it is done, so that nothing is lost by a crash.

    <state>/<host>_<port>/receipts/0001-apply-20261121T144512Z.jsonl    secrets only as fingerprints
    <state>/<host>_<port>/secrets.json                             their former values (0600)

A receipt's first line says what was run. Then each write leaves a line before it is sent and one after it arrived;
a line without the second is an interruption, and both states count as the pack's own.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as File
from typing import Any

from gateway.files import try_lock
from install.errors import InstallError
from install.pack.engine.applied import KEPT_IN_MEMORY, AppliedResource, Fingerprint, Key, Step, fold
from install.pack.engine.receipt_writer import Writer
from install.pack.engine.secret_store import SecretStore, unusable
from install.pack.tree import ABSENT, Leaf
from install.wording import say


def state_folder(environment: Mapping[str, str]) -> File:
    """Return the folder for state files by the XDG rules."""
    base = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '.')}/.local/state"
    return File(base) / "sekisho"


def server_folder(state: File, url: str) -> File:
    plain = re.sub(r"^https?://", "", url.rstrip("/").lower())
    return state / re.sub(r"[^a-z0-9.-]+", "_", plain)


NAME = re.compile(r"(\d{4,6})-[a-z]+-")


_UNBEGUN = {"command": "?", "at": "", "open_webui": "?"}
"""Of a run that ended before its first line was on the disk."""


def _lines(path: File) -> list[Any]:
    """Return every line that reached the disk whole; the last may be cut.

    Raises `ValueError` for one that is no JSON.
    """
    *whole, rest = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found = [json.loads(line) for line in whole]
    try:
        return [*found, json.loads(rest)]
    except (ValueError, RecursionError):
        return found


def _number(path: File) -> int:
    return int(path.name.partition("-")[0])


def nothing_applied(folder: File) -> InstallError:
    return InstallError(
        say("There are no receipts for this server in {folder}.", folder=folder),
        say("Run `sekisho apply` once from here, which records what is there, or pass the right --state."),
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """One run that changed something."""

    name: str
    command: str
    at: str
    version: str
    steps: tuple[Step, ...] = field(repr=False)
    ended: bool

    @property
    def open(self) -> int:
        """Number of writes of which it is not known whether they arrived."""
        return sum(not step.done and not step.taken_back for step in self.steps)


class Receipts:
    """All receipts of one server."""

    def __init__(self, folder: File) -> None:
        self.folder = folder / "receipts"
        self.vault = SecretStore(folder / "secrets.json")

    def all(self) -> list[Receipt]:
        """Return all receipts, oldest first."""
        return [self._read(path) for path in sorted(self._files(), key=_number)]

    def _files(self) -> list[File]:
        return [path for path in self.folder.glob("*.jsonl") if NAME.match(path.name)]

    def known(self, until: str | None = None) -> dict[Key, AppliedResource]:
        """Return what the pack last applied; with `until`, as that receipt left it. Raises `InstallError`."""
        return fold(step for receipt in self.until(until) for step in receipt.steps)

    def until(self, name: str | None) -> list[Receipt]:
        """Return the receipts up to this one, named by its beginning; "" = none, None = all."""
        found = self.all()
        if name is None:
            return found
        return found[: self._position(name, found) + 1] if name else []

    def before_last(self) -> str:
        """Return the name of the receipt before the last one, "" where that is the first. Raises `InstallError`."""
        found = self.all()
        if not found:
            raise nothing_applied(self.folder)
        return found[-2].name if len(found) > 1 else ""

    def _position(self, name: str, found: list[Receipt]) -> int:
        names = [receipt.name for receipt in found]
        matching = [each for each in names if each.startswith(name)]
        if name not in names and len(matching) != 1:
            raise InstallError(
                say("There is no receipt {name}.", name=name),
                say("There are: {names}; `sekisho status` lists them.", names=", ".join(names) or say("none")),
            )
        return names.index(name if name in names else matching[0])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the receipts of this server against other runs. Raises `InstallError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as file:
            if not try_lock(file):
                raise InstallError(
                    say("Another run of `sekisho` is changing this server ({folder}).", folder=self.folder),
                    say("Wait until it has ended, then run it again."),
                )
            yield

    def begin(self, command: str, version: str, *, volatile: bool = False) -> Writer:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.vault.save()
        now = datetime.now(UTC)
        last = max(map(_number, self._files()), default=0)
        name = f"{last + 1:04d}-{command}-{now:%Y%m%dT%H%M%SZ}"
        return Writer(self.folder / f"{name}.jsonl", self.vault, command, version, now, volatile=volatile)

    def _read(self, path: File) -> Receipt:
        try:
            head, *rest = _lines(path) or [_UNBEGUN]
            steps = self._steps(rest)
            for step in steps if head.get("volatile") else ():
                step.volatile = step.kind in KEPT_IN_MEMORY
            ended = any("end" in line for line in rest)
            return Receipt(path.stem, head["command"], head["at"], head["open_webui"], steps, ended)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise unusable(path, say("not a receipt: {error!r}", error=str(error)[:200])) from error

    def _steps(self, lines: Iterable[Any]) -> tuple[Step, ...]:
        steps: list[Step] = []
        for line in lines:
            if "kind" in line:
                steps.append(self._step(line))
            elif "done" in line:
                steps[line["done"]].done = True
            elif "taken_back" in line:
                steps[line["taken_back"]].taken_back = True
        return tuple(steps)

    def _step(self, line: Any) -> Step:
        leaves = line["leaves"]
        return Step(
            line["kind"],
            line["id"],
            line["action"],
            {tuple(leaf["path"]): self._leaf(leaf, "before") for leaf in leaves},
            {tuple(leaf["path"]): self._leaf(leaf, "after") for leaf in leaves},
            {tuple(each["path"]): self._leaf(each, "before") for each in line.get("above", ())},
            {tuple(leaf["path"]) for leaf in leaves if leaf.get("secret")},
            line.get("creates", False),
            line.get("deletes", False),
            line.get("seen", False),
            done=line.get("seen", False),
            adopted=line.get("adopted", False),
            undoes=line.get("undoes", False),
            base={tuple(leaf["path"]): self._leaf(leaf, "base") for leaf in leaves if "base" in leaf},
            base_created=line.get("base_created", False),
        )

    def _leaf(self, leaf: Any, side: str) -> Leaf | Fingerprint:
        value = leaf.get(side, ABSENT)
        if isinstance(value, dict) and "fingerprint" in value:
            kept = self.vault.value(value["fingerprint"])
            return kept if kept is not None else Fingerprint(value["fingerprint"], self.vault.salt)
        return value  # type: ignore[no-any-return]
