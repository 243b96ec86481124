"""Write the result: one file of models a cloud, and the file that includes them."""

import io
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.config.load import load
from gateway.errors import ConfigError

MAIN = "sekisho.yaml"
_ADDRESS, _LONG = "https://upstream.example.com/v1", "k7d0f3a9c1e5b2846d0f3a9c1e5b2846d0"


class _Standing(Mapping[str, str]):
    """An environment in which every variable has a value of its kind, to see whether the result would load."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        words = f"{name} {self._variables.get(name, '')}".upper()
        return next((value for part, value in _KINDS.items() if part in words), _LONG)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_KINDS = {
    "REDIS_URL": "redis://redis:6379",
    "REDIS_HOST": "redis",
    "API_KEY": _LONG,
    "BASE": _ADDRESS,
    "URL": _ADDRESS,
    "ENDPOINT": _ADDRESS,
    "PORT": "6379",
    "REGION": "us-east-1",
    "LOCATION": "us-central1",
    "PROJECT": "our-project",
    "ROLE": "arn:aws:iam::123456789012:role/sekisho",
    "VERSION": "2025-04-01-preview",
}
"""Values by what names of variables, and of the settings that they are for, hold."""


def write(
    folder: Path, config: Mapping[str, Any], models: Mapping[str, list[dict[str, Any]]], origin: str
) -> list[Path]:
    """Write all files and return them; none where one of them is there already. Raises `ConfigError`."""
    main = {"include": [f"models/{cloud}.yaml" for cloud in models], **config}
    texts = {folder / MAIN: _yaml(main if models else {**config, "models": []}, origin)}
    texts |= {folder / "models" / f"{cloud}.yaml": _yaml({"models": rows}, origin) for cloud, rows in models.items()}
    if present := next((file for file in texts if file.exists() or file.is_symlink()), None):
        raise ConfigError(f"{present}: is there already; name another folder with --out, nothing was written")
    try:
        (folder / "models").mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); name another folder with --out") from None
    return list(texts)


def problems(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Return what keeps the result from being loaded, whatever its variables hold."""
    try:
        load(folder / MAIN, _Standing(variables))
    except ConfigError as error:
        return str(error).splitlines()
    return []


def _yaml(data: Mapping[str, Any], origin: str) -> str:
    writer = YAML()
    writer.width = 120
    text = io.StringIO()
    writer.dump(deepcopy(dict(data)), text)
    return f"# Written by `sekisho config import-litellm` from {origin}.\n{text.getvalue()}"
