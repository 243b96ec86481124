"""A small file that processes starting together agree on."""

import contextlib
import os
import secrets
from pathlib import Path


def made_once(path: Path, content: str) -> str:
    """What the file holds: `content` if it was not there. It appears whole or not at all, readable by its owner only.

    Raises `OSError` where the folder cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        with contextlib.suppress(FileExistsError):
            os.link(own, path)
        own.unlink()
    return path.read_text()
