"""Read what is, build what shall be, compare."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.secret import Secret
from install.errors import OptionMissing
from install.open_webui import OpenWebUI
from install.open_webui.admin import Json
from install.pack import connections, embeddings, functions, models
from install.pack.change import Change, Plan
from install.pack.desired import Connection, Desired, Embeddings, Options, desired_functions, desired_models
from install.pack.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Actual:
    """What Open WebUI says about itself; it holds keys, so it is never shown."""

    connections: Json = field(repr=False)
    models: dict[str, Json] = field(repr=False)
    functions: dict[str, Json] = field(repr=False)
    embedding: Json = field(repr=False)
    groups: dict[str, str] = field(repr=False)


def make_plan(client: OpenWebUI, manifest: Manifest, options: Options) -> Plan:
    """Changes nothing. Raises a `SekishoError` where the desired state cannot be determined."""
    actual = read(client)
    desired = desire(client, manifest, options, actual)
    return Plan(tuple(diff(desired, actual, force=options.force)))


def read(client: OpenWebUI) -> Actual:
    return Actual(client.connections(), client.model_rows(), client.functions(), client.embedding(), client.groups())


def desire(client: OpenWebUI, manifest: Manifest, options: Options, actual: Actual) -> Desired:
    url = options.gateway_url.rstrip("/")
    entry = connections.find(actual.connections, url)
    key = _gateway_key(options, entry)
    embedding_model = options.embedding_model or (manifest.embeddings.model if manifest.embeddings else None)
    prefix = (entry.settings.get("prefix_id") if entry else None) or ""
    return Desired(
        Connection(url, key, manifest.connection.headers),
        desired_models(manifest, client.models_behind(url, key), prefix),
        desired_functions(manifest, options, client.version),
        Embeddings(embedding_model, url, key) if embedding_model else None,
    )


def _gateway_key(options: Options, entry: connections.Entry | None) -> Secret:
    """The given key, else the one that Open WebUI has been using for this gateway."""
    if options.gateway_key:
        return options.gateway_key
    if entry and entry.key:
        return entry.key
    raise OptionMissing("The gateway's key", "Pass --gateway-key or set SEKISHO_GATEWAY_KEY.")


def diff(desired: Desired, actual: Actual, *, force: bool = False) -> Iterator[Change]:
    yield from connections.diff(desired.connection, actual.connections)
    for function in desired.functions:
        yield from functions.diff(function, actual.functions.get(function.plugin.id), force=force)
    for model in desired.models:
        yield from models.diff(model, actual.models.get(model.id), actual.groups)
    if desired.embeddings:
        yield from embeddings.diff(desired.embeddings, actual.embedding)
