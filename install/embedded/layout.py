"""Where the embedded stack keeps things, and the secrets it makes at its first start."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from gateway.files import try_lock
from gateway.project import CONFIG, SECRETS
from gateway.secret import Secret
from install.errors import InstallError
from install.pack.engine.secret_store import write_private

Say = Callable[[str], None]
"""Tells the person at the terminal how far it is."""

CHAT_MODEL = "smollm2-135m"
EMBEDDING_MODEL = "multilingual-e5-small"
OPEN_WEBUI_KEY, ADMIN_KEY = "open-webui", "admin"


@dataclass(frozen=True, slots=True)
class Layout:
    """The data folder's inside."""

    data: Path

    @property
    def config(self) -> Path:
        return self.data / CONFIG

    @property
    def gateway(self) -> Path:
        return self.data / "gateway"

    @property
    def open_webui(self) -> Path:
        return self.data / "open-webui"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def secrets(self) -> Path:
        return self.data / SECRETS

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folders, and keep another start away from them for the block. Raises `InstallError`."""
        self._create()
        with open(self.data / "lock", "w") as file:
            if not try_lock(file):
                raise InstallError(
                    f"The stack in {self.data} is running already.",
                    "Use it, or stop it with Ctrl-C first; --data with another folder makes a second one.",
                )
            yield

    def _create(self) -> None:
        for folder in (self.data, self.gateway, self.open_webui, self.logs):
            folder.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """Made once, kept in a file that only the owner may read."""

    admin_password: Secret
    identity: Secret
    open_webui: Secret
    gateway_key: Secret
    """Open WebUI's own: it may speak for users."""
    api_key: Secret
    """The administrator's, for coding tools and programs."""
    check_password: Secret
    """Of the plain user as whom `sekisho up --check` asks."""
    admin_key: Secret
    """The gateway's, for its `/admin/` routes."""


def load_secrets(layout: Layout) -> StackSecrets | None:
    """Return the secrets of an earlier start, None before the first one. Raises `InstallError`."""
    if not layout.secrets.exists():
        return None
    try:
        kept = {"admin_key": secrets.token_urlsafe(32), **json.loads(layout.secrets.read_text(encoding="utf-8"))}
        return StackSecrets(**{field.name: _secret(kept[field.name]) for field in fields(StackSecrets)})
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InstallError(
            f"{layout.secrets} is damaged: the stack's passwords are not in it.",
            f"Put back a copy of it, or delete {layout.data} to start anew.",
        ) from error


def _secret(value: object) -> Secret:
    """Return a kept secret. Raises `ValueError` for what cannot be one."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a text with something in it")
    return Secret(value)


def save_secrets(layout: Layout, made: StackSecrets) -> None:
    revealed = {field.name: getattr(made, field.name).reveal() for field in fields(StackSecrets)}
    write_private(layout.secrets, json.dumps(revealed, indent=2))


def new_secret(length: int = 24) -> Secret:
    return Secret(secrets.token_urlsafe(length))
