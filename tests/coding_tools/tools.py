"""The real coding tools: installed once beside this file, run in a home of their own that reaches loopback only.

`python -m tests.coding_tools.tools` installs them.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
INSTALL = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
INSTALL_SECONDS = 280
RUN_SECONDS = 60


def installed(name: str, folder: Path = FOLDER) -> Path:
    """The tool's program; installs the tools where they are missing, skips the test where that cannot be."""
    program = folder / "node_modules" / ".bin" / name
    if not program.exists():
        problem = install(folder)
        if problem or not program.exists():
            where = folder.relative_to(FOLDER.parents[1])
            pytest.skip(f"{name} is missing; to mend it: cd {where} && {' '.join(INSTALL)} ({problem})")
    return program


def find(name: str) -> Path | None:
    """Return a program of the tester's own, for a tool that is too large to be installed for the tests."""
    found = shutil.which(name)
    return Path(found) if found else None


def install(folder: Path = FOLDER) -> str | None:
    """Install what the package.json of a folder names; what went wrong, if anything did."""
    if not shutil.which("npm"):
        return "there is no npm; install Node.js 20 or newer"
    try:
        done = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"npm took longer than {INSTALL_SECONDS} seconds"
    return done.stderr[-600:] if done.returncode else None


class Workplace:
    """A person's machine: a home, a project folder, and a web proxy that refuses and notes every way out."""

    def __init__(self, folder: Path, proxy: str, refused: list[str]) -> None:
        self.home, self.project = folder / "home", folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.refused = refused
        """Where the tools wanted to go besides loopback."""
        ways = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy)
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "NO_PROXY": "127.0.0.1", **ways}

    def run(self, program: Path, *arguments: str, environment: Mapping[str, str]) -> str:
        """Return what the tool printed to its standard output."""
        done = self._done(program, *arguments, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, program: Path, *arguments: str, environment: Mapping[str, str]) -> str:
        """Return all that a tool printed that ended with an error."""
        done = self._done(program, *arguments, environment=environment)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _done(self, program: Path, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), *arguments],
            cwd=self.project,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )


@contextmanager
def refusing_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nothing through; gives its address and, as they come, the first lines of what it refused."""
    refused: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_refuse, args=(listener, refused), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", refused
        listener.shutdown(socket.SHUT_RDWR)


def _refuse(listener: socket.socket, refused: list[str]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            refused.append(connection.recv(4096).partition(b"\r\n")[0].decode("latin-1"))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


if __name__ == "__main__":
    print(install() or "installed")
