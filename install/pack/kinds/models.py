"""What Open WebUI stores about models: a row each, with its readers."""

from collections.abc import Mapping

from install.errors import Refused
from install.open_webui import OpenWebUI
from install.pack.kinds.access import GRANTS, to_list, to_set
from install.pack.kinds.kind import Kind
from install.pack.tree import ABSENT, Json, Leaf, Path, get

STAMP = "sekisho"
FIELDS = ("name", "base_model_id", "params", "meta", "is_active")
SETS = ("filterIds", "defaultFilterIds", "actionIds", "toolIds")
"""Lists of ids below `meta`, of which the pack owns single members."""
HIDDEN = ("meta", STAMP, "hidden")
"""Switched off by the pack while the gateway does not list it, not by an administrator."""


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

    def told(self, path: Path) -> bool:
        return path[:2] == ("meta", STAMP)

    def label(self, path: Path) -> str:
        if path[0] == GRANTS:
            who, _, may = path[1].rpartition(":")
            return f"{may} for {'everyone' if who == 'user:*' else who.replace(':', ' ')}"
        if path[:2] == ("meta", "defaultFilterIds"):
            return f"filter {path[2]} in new chats"
        return ".".join(path[1:] if path[0] == "meta" else path)


def decided_otherwise(row: Json | None) -> str | None:
    """Why an administrator's decision about a model stands above the manifest's `all`."""
    if row is None:
        return None
    if row.get("base_model_id"):
        return "a workspace model has this name: kept"
    if row["is_active"] is False and get(row, HIDDEN) is ABSENT:
        return "switched off by an administrator: kept"
    return None


def shown_again(row: Json | None) -> dict[Path, Leaf]:
    """Leaves that bring back what `Models.hiding` took out of sight."""
    return {} if get(row, HIDDEN) is ABSENT else {("is_active",): True, HIDDEN: ABSENT}


def undecided(row: Json | None) -> bool:
    """Nobody has said yet who may use it. Our stamp without any grant: withdrawn after the pack published it."""
    return row is None or (not row[GRANTS] and get(row, ("meta", STAMP)) is ABSENT)
