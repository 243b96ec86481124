"""The gateway's models, published to people. What an administrator decided about a model stays."""

from collections.abc import Iterator

from install.errors import ManifestError
from install.pack.desired import Given, not_offered
from install.pack.kinds.access import reading
from install.pack.kinds.models import STAMP, decided_otherwise, shown_again, undecided
from install.pack.manifest_entries import ModelEntry
from install.pack.threeway import Wanted
from install.pack.tree import ABSENT, Json, get
from install.pack.tree import Path as LeafPath


def wanted_models(given: Given) -> Iterator[Wanted]:
    """Raises `InstallError`."""
    chat = {entry["id"]: entry for entry in given.offered if entry.get("mode", "chat") == "chat"}
    entries = given.manifest.models
    for index, entry in enumerate(entries or ()):
        if entry.name not in chat:
            raise not_offered(entry.name, chat, given.manifest.where("models", index))
    named = {name: None for name in chat} if entries is None else {entry.name: entry for entry in entries}
    for name, wanted in named.items():
        yield wanted_model(given, chat[name], wanted)


def wanted_model(given: Given, offered: Json, entry: ModelEntry | None) -> Wanted:
    """Leaves that the manifest names are hard; those that the gateway merely suggests are soft."""
    id = given.prefixed(offered["id"])
    row = given.there("model", id)
    if kept := decided_otherwise(row):
        return Wanted("model", id, {}, kept=kept)
    soft: dict[LeafPath, object] = {
        ("name",): given.prefixed(offered.get("name") or offered["id"]),
        ("meta", "capabilities", "usage"): True,
        ("meta", STAMP, "created"): row is None or get(row, ("meta", STAMP, "created")) is True,
    }
    if offered.get("description"):
        soft[("meta", "description")] = offered["description"]
    hard: dict[LeafPath, object] = shown_again(row)
    for path, value in ((("name",), entry and entry.title), (("meta", "description"), entry and entry.description)):
        if value is not None:
            hard[path] = value
            soft.pop(path, None)
    grants = reading(entry.groups if entry else (), given.groups)
    if entry is not None:
        hard |= grants
    elif undecided(row) or any(get(row, path) is not ABSENT for path in grants):
        soft |= grants
    for name in _default_filters(given, entry):
        # Only a filter that applies to the model can be on by default; ours are global or attached here.
        soft[("meta", "defaultFilterIds", name)] = True
    return Wanted("model", id, {**soft, **hard}, frozenset(soft))


def _default_filters(given: Given, entry: ModelEntry | None) -> tuple[str, ...]:
    own = entry.default_filters if entry else None
    names = given.manifest.default_filters if own is None else own
    keys: tuple[str | int, ...] = ("default_filters",)
    if entry and own is not None:
        keys = ("models", (given.manifest.models or ()).index(entry), *keys)
    for name in names:
        _require_filter(given, name, keys)
    return names


def _require_filter(given: Given, name: str, keys: tuple[str | int, ...]) -> None:
    others = {entry.name for entry in (*given.manifest.functions, *given.manifest.pipes)}
    filters = {entry.name for entry in given.manifest.filters} | (given.current["filter"].keys() - others)
    if name not in filters:
        raise ManifestError(
            given.manifest.where(*keys), f"there is no filter {name}", ", ".join(sorted(filters)) or "none"
        )
