"""What Open WebUI stores about models: a row each, with its readers."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from install.errors import ManifestError, Refused
from install.open_webui import OpenWebUI
from install.pack.inputs import PlanInputs, model_not_offered
from install.pack.manifest.entries import ModelEntry
from install.pack.resources.access import GRANTS, grant_label, reading, to_list, to_set
from install.pack.resources.kind import Kind, Wanted
from install.pack.tree import ABSENT, Json, Leaf, Path, get
from install.pack.tree import Path as LeafPath
from install.wording import say

STAMP = "sekisho"
FIELDS = ("name", "base_model_id", "params", "meta", "is_active")
SETS = ("filterIds", "defaultFilterIds", "actionIds", "toolIds")
"""Lists of ids below `meta`, of which the pack owns single members."""
HIDDEN = ("meta", STAMP, "hidden")
"""Switched off by the pack while the gateway does not list it, not by an administrator."""
SINCE = ("meta", STAMP, "since")
"""Day on which it came, 2026-04-01, where others were there before."""


def to_record(row: Json) -> Json:
    meta = {
        key: dict.fromkeys(value, True) if key in SETS and isinstance(value, list) else value
        for key, value in row["meta"].items()
    }
    return {**{key: row[key] for key in FIELDS}, "meta": meta, GRANTS: to_set(row[GRANTS])}


def form(id: str, record: Json) -> Json:
    meta = {
        key: list(value) if key in SETS and isinstance(value, dict) else value
        for key, value in record.get("meta", {}).items()
    }
    return {
        "id": id,
        "name": record["name"],
        "base_model_id": record.get("base_model_id"),
        "params": record.get("params") or {},
        "meta": meta,
    }


class Models(Kind):
    name = "model"

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        return {id: to_record(row) for id, row in client.model_rows().items()}

    def read_one(self, client: OpenWebUI, id: str) -> Json | None:
        try:
            return to_record(client.model_row(id))
        except Refused:
            # Also said of a row that is not there.
            return super().read_one(client, id)

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        if target is None:
            client.delete_model(id)
        elif current is None:
            client.create_model({**form(id, target), GRANTS: to_list(target.get(GRANTS, {}))})
            if target.get("is_active") is False:
                client.set_model_active(id, False)
        else:
            self._change(client, id, current, target)

    def _change(self, client: OpenWebUI, id: str, current: Json, target: Json) -> None:
        grants = target.get(GRANTS, {})
        if grants != current[GRANTS]:
            client.set_model_access(id, to_list(grants))
        if form(id, target) != form(id, current):
            client.update_model({**form(id, target), "commit_message": "sekisho"})
        if target["is_active"] is not current["is_active"]:
            client.set_model_active(id, target["is_active"])

    def created(self, current: Json) -> bool:
        return get(current, ("meta", STAMP, "created")) is True

    def made_by_server(self, path: Path, value: Leaf) -> bool:
        return value is True if path == ("is_active",) else super().made_by_server(path, value)

    def hiding(self, current: Json) -> Mapping[Path, Leaf]:
        return {("is_active",): False, HIDDEN: True} if current["is_active"] else {}

    def is_described(self, path: Path) -> bool:
        return path[:2] == ("meta", STAMP)

    def label(self, path: Path) -> str:
        if path[0] == GRANTS:
            return grant_label(path[1])
        if path[:2] == ("meta", "defaultFilterIds"):
            return say("filter {name} in new chats", name=path[2])
        return ".".join(path[1:] if path[0] == "meta" else path)


def decided_otherwise(row: Json | None) -> str | None:
    """Return why an administrator's decision about a model stands above the manifest's `all`, None if there is none."""
    if row is None:
        return None
    if row.get("base_model_id"):
        return say("a workspace model has this name: kept")
    if row["is_active"] is False and get(row, HIDDEN) is ABSENT:
        return say("switched off by an administrator: kept")
    return None


def shown_again(row: Json | None) -> dict[Path, Leaf]:
    """Return leaves that show a model again that `Models.hiding` hid."""
    return {} if get(row, HIDDEN) is ABSENT else {("is_active",): True, HIDDEN: ABSENT}


def undecided(row: Json | None) -> bool:
    """Return whether nobody has said yet who may use it.

    Our stamp without any grant: withdrawn after it was published.
    """
    return row is None or (not row[GRANTS] and get(row, ("meta", STAMP)) is ABSENT)


def wanted_models(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the gateway's models that the manifest publishes. Raises `InstallError`."""
    chat = {entry["id"]: entry for entry in inputs.offered if entry.get("mode", "chat") == "chat"}
    entries = inputs.manifest.models
    for index, entry in enumerate(entries or ()):
        if entry.name not in chat:
            raise model_not_offered(entry.name, chat, inputs.manifest.where("models", index))
    named = {name: None for name in chat} if entries is None else {entry.name: entry for entry in entries}
    for name, wanted in named.items():
        yield wanted_model(inputs, chat[name], wanted)


def wanted_model(inputs: PlanInputs, offered: Json, entry: ModelEntry | None) -> Wanted:
    """Return one model; leaves that the manifest names are hard, those that the gateway suggests are soft."""
    id = inputs.prefixed(offered["id"])
    row = inputs.there("model", id)
    if kept := decided_otherwise(row):
        return Wanted("model", id, {}, kept=kept)
    soft: dict[LeafPath, object] = {
        ("name",): inputs.prefixed(offered.get("name") or offered["id"]),
        ("meta", "capabilities", "usage"): True,
        ("meta", STAMP, "created"): row is None or get(row, ("meta", STAMP, "created")) is True,
    }
    if since := since_of(inputs, row):
        soft[SINCE] = since
    if offered.get("description"):
        soft[("meta", "description")] = offered["description"]
    hard: dict[LeafPath, object] = shown_again(row)
    for path, value in ((("name",), entry and entry.title), (("meta", "description"), entry and entry.description)):
        if value is not None:
            hard[path] = value
            soft.pop(path, None)
    grants = reading(entry.groups if entry else (), inputs.groups)
    if entry is not None:
        hard |= grants
    elif undecided(row) or any(get(row, path) is not ABSENT for path in grants):
        soft |= grants
    for name in _default_filters(inputs, entry):
        # Only a filter that applies to the model can be on by default; ours are global or attached here.
        soft[("meta", "defaultFilterIds", name)] = True
    return Wanted("model", id, {**soft, **hard}, frozenset(soft))


def since_of(inputs: PlanInputs, row: Json | None) -> str | None:
    """Return the day on which a model came, for the banner of new ones; None for those of the first run."""
    if inputs.manifest.new_models is None:
        return None
    if row is not None:
        stored = get(row, SINCE)
        return stored if isinstance(stored, str) else None
    rows = inputs.current.get("model", {}).values()
    others = any(get(each, ("meta", STAMP, "created")) is True for each in rows)
    return f"{datetime.now(UTC).date()}" if others else None


def _default_filters(inputs: PlanInputs, entry: ModelEntry | None) -> tuple[str, ...]:
    own = entry.default_filters if entry else None
    names = inputs.manifest.default_filters if own is None else own
    keys: tuple[str | int, ...] = ("default_filters",)
    if entry and own is not None:
        keys = ("models", (inputs.manifest.models or ()).index(entry), *keys)
    for name in names:
        _require_filter(inputs, name, keys)
    return names


def _require_filter(inputs: PlanInputs, name: str, keys: tuple[str | int, ...]) -> None:
    others = {entry.name for entry in (*inputs.manifest.functions, *inputs.manifest.pipes)}
    filters = {entry.name for entry in inputs.manifest.filters} | (inputs.current["filter"].keys() - others)
    if name not in filters:
        raise ManifestError(
            inputs.manifest.where(*keys),
            say("there is no filter {name}", name=name),
            ", ".join(sorted(filters)) or say("none"),
        )
