"""What a configuration is written from: address, key, models."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.presets.model import Model
from gateway.presets.opencode import PROVIDER, TITLE
from gateway.secret import Secret

__all__ = ["CLIENT_HEADER", "OWN_KEY", "PROVIDER", "TITLE", "VARIABLE", "Model", "Places", "Setup", "places"]

VARIABLE = "SEKISHO_API_KEY"
"""The environment variable of the key, for tools that keep no key in their file."""
OWN_KEY = "sk-…"
"""Stands for each person's own key in what a company rolls out."""
CLIENT_HEADER = "x-sekisho-client"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders in which tools look for their configuration."""

    home: Path
    config: Path
    """Of programs that follow the XDG rules."""
    code: Path
    """Of a person's settings of VS Code."""
    claude: Path
    codex: Path
    here: Path
    """The folder of a project or a service."""
    machine: Path = Path("/")


def places(environment: Mapping[str, str], platform: str = sys.platform) -> Places:
    """Return the folders of the person who runs the command."""
    home = Path(environment.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    code = {
        "darwin": home / "Library" / "Application Support",
        "win32": Path(environment.get("APPDATA") or home / "AppData" / "Roaming"),
    }.get(platform, config)
    return Places(
        home=home,
        config=config,
        code=code / "Code" / "User",
        claude=Path(environment.get("CLAUDE_CONFIG_DIR") or home / ".claude"),
        codex=Path(environment.get("CODEX_HOME") or home / ".codex"),
        here=Path.cwd(),
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """The answers to everything that a tool wants to know of a gateway.

    `root` is the address without `/v1`; `key` is None where a roll-out leaves it to `command` or a variable.
    """

    root: str
    key: Secret | None
    model: Model
    small: Model
    places: Places
    completion: Model | None = None
    models: Sequence[Model] = ()
    command: tuple[str, ...] | None = None
    """Program and arguments that print the key."""

    @property
    def v1(self) -> str:
        return f"{self.root}/v1"

    @property
    def mcp_url(self) -> str:
        return f"{self.root}/mcp"

    def secret(self, reference: str = f"${{{VARIABLE}}}") -> str:
        """Return the key as text for a file; where there is none, the reference as the tool writes it."""
        return self.key.reveal() if self.key else reference
