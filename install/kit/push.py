"""Puts a plugin file into a running Open WebUI: made if it is new, else changed; its settings stay."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from install.errors import InstallError, Refused
from install.kit.check import check_text, committed, graded
from install.kit.finding import Finding
from install.kit.source import Source, parse, read
from install.open_webui import OpenWebUI
from install.pack.plugin import as_stored, fingerprint
from install.pack.tree import Json

STAMP = "sekisho_dev"
"""In `meta` of what `sekisho dev` pushed, with the code's fingerprint: nobody else's code is overwritten."""

NOBODY_ELSE: list[Json] = []
"""A tool is its owner's until somebody shares it."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """`what` is new, changed or same. `ms` is the time from reading the file until Open WebUI runs it."""

    path: Path
    what: str
    findings: tuple[Finding, ...]
    ms: float

    @property
    def stopped(self) -> bool:
        """Return whether a rule kept it from being pushed."""
        return self.what == "stopped"


@dataclass
class Pusher:
    """Remembers what the instance has, so that a push is one request and a check."""

    client: OpenWebUI
    force: bool = False
    everywhere: bool = False
    """Filters and buttons in every chat, not only where a model names them."""
    ignored: frozenset[str] = frozenset()
    functions: dict[str, Json] = field(default_factory=dict)
    tools: dict[str, Json] = field(default_factory=dict)

    def look(self) -> None:
        """Read what the instance has now. Raises an `OpenWebUIError`."""
        self.functions, self.tools = self.client.functions(), self.client.tools()

    def push(self, path: Path) -> Pushed:
        """Check and push a file. Raises `InstallError`."""
        started = time.perf_counter()
        text = read(path)
        row = self._rows(path, text).get(path.stem)
        every = check_text(path, text, former=_with_settings(row), ignored=self.ignored)
        findings = tuple(graded(every, strict=False))
        stopped = any(finding.severity == "error" for finding in findings)
        what = "stopped" if stopped else self._write(parse(path, text), row)
        return Pushed(path, what, findings, (time.perf_counter() - started) * 1000)

    def _rows(self, path: Path, text: str) -> dict[str, Json]:
        return self.tools if _is_tool(path, text) else self.functions

    def _write(self, source: Source, row: Json | None) -> str:
        form = _form(source)
        if row and not self.force and not _is_ours(row, source):
            raise InstallError(
                f"Open WebUI has another {source.id}, which this file did not come from.",
                "Give the file another name, or pass --force to overwrite it.",
            )
        if row and row["content"] == form["content"] and row["meta"].get(STAMP):
            return "same"
        try:
            self._send(source, form, row)
        except Refused as error:
            raise InstallError(
                f"Open WebUI cannot load {source.path.name}: {error.detail}.", "Mend the file; the former code stays."
            ) from error
        self._rows(source.path, source.text)[source.id] = {**(row or {}), **form}
        return "changed" if row else "new"

    def _send(self, source: Source, form: Json, row: Json | None) -> None:
        if source.kind and source.kind.is_tool:
            if row:
                self.client.update_tool(form)
            else:
                self.client.create_tool({**form, "access_grants": NOBODY_ELSE})
            return
        (self.client.update_function if row else self.client.create_function)(form)
        if not (row and row.get("is_active")):
            self._switch_on(source, form)

    def _switch_on(self, source: Source, form: Json) -> None:
        self.client.set_active(source.id, True)
        if self.everywhere:
            self.client.set_global(source.id, True)
        form["is_active"] = True
        if source.kind and source.kind.name == "pipe":
            # A new model is in the menu once Open WebUI has asked all its functions again.
            self.client.refresh_models()


def _is_tool(path: Path, text: str) -> bool:
    try:
        kind = parse(path, text).kind
    except SyntaxError:
        return False
    return bool(kind and kind.is_tool)


def _form(source: Source) -> Json:
    about, content = source.frontmatter, as_stored(source.text)
    _, texts = source.table("I18N") or (0, {})
    meta = {"description": about.get("description", ""), "i18n": texts or {}, STAMP: {"sha256": fingerprint(content)}}
    fields = {"id": source.id, "name": about.get("title", source.id), "content": content, "meta": meta}
    return {**fields, "commit_message": "sekisho dev"}


def _with_settings(row: Json | None) -> str | None:
    """Return the code whose stored settings could be lost."""
    return str(row["content"]) if row and row.get("valves") else None


def _is_ours(row: Json, source: Source) -> bool:
    """Return whether the code was pushed from here, is the file as it is, or as it was last committed."""
    stamp = (row.get("meta") or {}).get(STAMP) or {}
    former = committed(source.path)
    known = {stamp.get("sha256"), fingerprint(source.text), fingerprint(former) if former else None}
    return fingerprint(str(row["content"])) in known
