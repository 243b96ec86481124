"""How a tool server is started: its command, what it sees of the environment, and its limits."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.mcp.errors import UpstreamDown

MIB = 1024 * 1024
INHERITED = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": ""}
"""Variables that every server gets from the gateway, with their values where the gateway has none; "" leaves it out."""
_NO_FOLDER = "its working folder (`cwd`) does not exist"


@dataclass(frozen=True, slots=True)
class StdioCommand:
    """A tool server as the configuration names it.

    `env` holds only what the entry names; PATH, LANG, TZ and HOME (= `folder`) are added. Limits of None are the
    machine's own; those of memory and CPU hold for each process of the server.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    cwd: Path | None = None
    secrets: tuple[str, ...] = ()
    """Values that never stand in an error."""
    message_bytes: int = 16 * MIB
    queued_bytes: int = 32 * MIB
    """Bytes of messages that wait for the session before the server has to wait."""
    stderr_bytes: int = 64 * 1024
    memory_bytes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    stop_seconds: float = 2.0
    """Seconds between closing stdin, SIGTERM and SIGKILL."""

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the server."""
        inherited = {name: os.environ.get(name, default) for name, default in INHERITED.items()}
        own = {name: value for name, value in inherited.items() if value}
        return {**own, "HOME": str(self.folder), **self.env}

    def prepare(self) -> Path:
        """Create the server's own folder, readable by nobody else; return the folder to start it in.

        Raises UpstreamDown where a folder is missing or cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UpstreamDown(self.name, f"its folder cannot be made ({error.strerror})") from None
        start = self.cwd or self.folder
        if not start.is_dir():
            raise UpstreamDown(self.name, _NO_FOLDER)
        return start

    def problem(self) -> str | None:
        """Return why the server could not be started, as far as that shows without a start; nothing is made."""
        if self.cwd and not self.cwd.is_dir():
            return _NO_FOLDER
        try:
            self.program(self.cwd or self.folder)
        except UpstreamDown as error:
            return error.reason
        return None

    def program(self, start: Path) -> str:
        """Return the path of the program, found in the server's own PATH; raise UpstreamDown where it is missing."""
        named = self.command[0]
        path = str(start / named) if os.sep in named else named
        found = shutil.which(path, path=self.environment().get("PATH", os.defpath))
        if found is None:
            raise UpstreamDown(self.name, f"its command {Path(named).name} is not installed or not executable here")
        return os.path.abspath(found)

    def limits(self) -> str:
        """Return the limits as the guard reads them."""
        limits = {"DATA": self.memory_bytes, "NOFILE": self.open_files, "CPU": self.cpu_seconds, "CORE": 0}
        return ",".join(f"{name}={value}" for name, value in limits.items() if value is not None)
