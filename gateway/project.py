"""The stack that `sekisho up` started here, which commands are about where nothing else is named.

    .sekisho.json      in the folder where `sekisho up` ran: {"data": FOLDER}
    FOLDER/stack.json  {"open_webui_url", "gateway_url", "manifest", "embedding_model", "variables": {NAME: VALUE}}

Secrets stay in FOLDER/secrets.json. Standard library only: the installer uses it too.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gateway.files import write_file
from gateway.secret import Secret

POINTER, STACK, SECRETS, CONFIG = ".sekisho.json", "stack.json", "secrets.json", "sekisho.yaml"
VARIABLES = {"identity": "SEKISHO_IDENTITY_SECRET", "admin_key": "SEKISHO_ADMIN_KEY"}
"""Which kept secret each variable of the configuration is."""
ADMIN_EMAIL = "admin@example.com"
_LARGEST = 100_000


@dataclass(frozen=True, slots=True)
class Project:
    """A stack as it was last started."""

    data: Path
    open_webui_url: str
    gateway_url: str
    manifest: Path | None
    """What was last applied; None = what is bundled."""
    embedding_model: str | None
    variables: Mapping[str, str] = field(repr=False)

    @property
    def config(self) -> Path:
        return self.data / CONFIG

    @property
    def receipts(self) -> Path:
        return self.data / "receipts"

    def secret(self, name: str) -> Secret | None:
        """Return a kept secret by its name in the file, None where it is not there or not readable."""
        value = (_read(self.data / SECRETS) or {}).get(name)
        return Secret(value) if isinstance(value, str) and value else None

    def environment(self) -> dict[str, str]:
        """Return every variable that the stack's configuration names."""
        kept = {variable: self.secret(name) for name, variable in VARIABLES.items()}
        return {**self.variables, **{name: secret.reveal() for name, secret in kept.items() if secret}}


def remember(project: Project, folder: Path | None = None) -> None:
    """Write a stack's file; with `folder`, also the pointer by which commands run there find it."""
    content = {
        "open_webui_url": project.open_webui_url,
        "gateway_url": project.gateway_url,
        "manifest": str(project.manifest) if project.manifest else None,
        "embedding_model": project.embedding_model,
        "variables": dict(project.variables),
    }
    write_file(project.data / STACK, json.dumps(content, indent=2).encode())
    if folder:
        write_file(folder / POINTER, json.dumps({"data": str(project.data)}).encode())


@cache
def find() -> Project | None:
    """Return the stack of this folder, else of the nearest folder above that has one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (pointer := _read(folder / POINTER)) and isinstance(pointer.get("data"), str):
            return at(folder / pointer["data"])
    return None


def at(data: Path) -> Project | None:
    """Return the stack that is kept in a folder, None where none was started."""
    kept = _read(data / STACK) or {}
    open_webui, gateway = kept.get("open_webui_url"), kept.get("gateway_url")
    variables = kept.get("variables")
    if not isinstance(open_webui, str) or not isinstance(gateway, str) or not isinstance(variables, dict):
        return None
    texts = {str(name): value for name, value in variables.items() if isinstance(value, str)}
    manifest, embedding_model = (_text(kept.get(name)) for name in ("manifest", "embedding_model"))
    return Project(data, open_webui, gateway, Path(manifest) if manifest else None, embedding_model, texts)


def for_config(path: Path) -> Mapping[str, str]:
    """Return the variables for a configuration: the environment and, below it, what its stack was started with."""
    project = find()
    if project is None or path.resolve() != project.config.resolve():
        return os.environ
    return {**project.environment(), **os.environ}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _read(path: Path) -> dict[str, Any] | None:
    """Return a JSON object of the user's own: a file that somebody else left in a folder above is not believed."""
    try:
        state = path.stat()
        if state.st_size > _LARGEST or (hasattr(os, "geteuid") and state.st_uid != os.geteuid()):
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
