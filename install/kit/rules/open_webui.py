"""Facts of Open WebUI 0.12.4 that the rules ask for: what it installs, and which of its functions are async."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FACTS = Path(__file__).with_name("open_webui-0.12.4.json")


INSTALLED = Path(__file__).with_name("open_webui_modules.json")
"""Written by `install.kit.rules.modules`."""


class Facts(NamedTuple):
    tables: frozenset[str]
    """Its database: `Files`, `Users` …; every public method is async."""
    sync: Mapping[str, frozenset[str]]
    """But these."""
    functions: Mapping[str, frozenset[str]]
    """Async functions by module."""


@cache
def facts() -> Facts:
    read = json.loads(FACTS.read_text(encoding="utf-8"))
    sets = {key: {name: frozenset(each) for name, each in read[key].items()} for key in ("sync", "functions")}
    return Facts(frozenset(read["tables"]), **sets)


class Environment(NamedTuple):
    version: str
    modules: frozenset[str]
    """Importable names, not those of distributions."""


@cache
def environment() -> Environment:
    """Return what the version of Open WebUI that the list was made from installs."""
    read = json.loads(INSTALLED.read_text(encoding="utf-8"))
    return Environment(read["open_webui"], frozenset(read["modules"]))
