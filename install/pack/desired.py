"""What shall be in Open WebUI: built from the manifest, the options and what the gateway offers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.secret import Secret
from install.errors import ModelNotOffered, PluginNeedsNewer
from install.open_webui.admin import Json
from install.open_webui.session import at_least
from install.pack.manifest import KINDS, FunctionEntry, Kind, Manifest, ModelEntry
from install.pack.plugin import Plugin, find_plugin

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Value = object
"""A valve's value: JSON, or a `Secret` where it came from the environment."""


@dataclass(frozen=True, slots=True)
class Connection:
    url: str
    key: Secret
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    name: str
    description: str
    groups: tuple[str, ...] | None
    """None = the manifest says nothing about this model: everyone, unless an administrator decided otherwise."""


@dataclass(frozen=True, slots=True)
class Function:
    plugin: Plugin
    active: bool
    everywhere: bool | None
    valves: Mapping[str, Value]
    unset: Mapping[str, str] = field(default_factory=dict)
    """Valves whose environment variable, named here, is not set: they stay as they are."""


@dataclass(frozen=True, slots=True)
class Embeddings:
    model: str
    url: str
    key: Secret


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to the manifest."""

    gateway_url: str
    gateway_key: Secret | None = None
    identity_secret: Secret | None = None
    embedding_model: str | None = None
    plugins: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `${NAME}` in the manifest means."""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    connection: Connection
    models: tuple[Model, ...]
    functions: tuple[Function, ...]
    embeddings: Embeddings | None = None


def desired_models(manifest: Manifest, offered: Iterable[Json], prefix: str = "") -> tuple[Model, ...]:
    """The chat models among `offered`, or those the manifest lists; `prefix` is the connection's, if it has one.

    Raises `ModelNotOffered`.
    """
    chat = {entry["id"]: entry for entry in offered if entry.get("mode", "chat") == "chat"}
    if manifest.models is None:
        return tuple(_model(entry, None, prefix) for entry in chat.values())
    for wanted in manifest.models:
        if wanted.name not in chat:
            raise ModelNotOffered(wanted.name, chat)
    return tuple(_model(chat[wanted.name], wanted, prefix) for wanted in manifest.models)


def _model(offered: Json, wanted: ModelEntry | None, prefix: str) -> Model:
    model_id, name = (
        f"{prefix}.{part}" if prefix else part for part in (offered["id"], offered.get("name") or offered["id"])
    )
    return Model(model_id, name, offered.get("description") or "", wanted.groups if wanted else None)


def desired_functions(manifest: Manifest, options: Options, version: str) -> tuple[Function, ...]:
    """Raises a `PluginError`."""
    environment = {**options.environment, "SEKISHO_GATEWAY_URL": options.gateway_url.rstrip("/")}
    variables = {name: Secret(value) for name, value in environment.items() if value}
    if options.identity_secret:
        variables["SEKISHO_IDENTITY_SECRET"] = options.identity_secret
    entries: list[tuple[Kind, FunctionEntry]] = [(kind, entry) for kind in KINDS for entry in getattr(manifest, kind)]
    return tuple(
        _function(find_plugin(kind, entry.name, options.plugins), entry, variables, version) for kind, entry in entries
    )


def _function(plugin: Plugin, entry: FunctionEntry, variables: Mapping[str, Secret], version: str) -> Function:
    if plugin.needs and not at_least(version, plugin.needs):
        raise PluginNeedsNewer(plugin.id, plugin.needs, version)
    valves: dict[str, Value] = {}
    unset: dict[str, str] = {}
    for name, value in entry.valves.items():
        variable = VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if variable is None:
            valves[name] = value
        elif variable[1] in variables:
            valves[name] = variables[variable[1]]
        else:
            unset[name] = variable[1]
    everywhere = True if entry.everywhere is None and plugin.kind == "filters" else entry.everywhere
    return Function(plugin, entry.active, everywhere, valves, unset)
