"""Functions: filters, pipes and actions."""

from install.errors import Refused
from install.open_webui import OpenWebUI
from install.pack.resources.plugins import VERSION, Plugins, plugin_form, require_stored, stored_meta
from install.pack.tree import ABSENT, Json, get
from install.wording import say, term


class Functions(Plugins):
    """Functions of one type."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        # Of every type: a foreign one under our id is no place to create ours.
        return {id: _function_record(row) for id, row in client.functions().items()}

    def read_one(self, client: OpenWebUI, id: str) -> Json | None:
        try:
            return _function_record(client.function(id))
        except Refused:
            # Also said of a function that is not there.
            return super().read_one(client, id)

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        if target is None:
            client.delete_function(id)
            return
        if current is None:
            client.create_function(plugin_form(id, target))
        elif plugin_form(id, current) != plugin_form(id, target):
            client.update_function(plugin_form(id, target))
        before, after = ((each or {}).get("valves") or {} for each in (current, target))
        if before != after:
            require_stored(before, after, client.set_valves(id, after))
        was = current or {}
        if target.get("is_active", False) is not was.get("is_active", False):
            client.set_active(id, target["is_active"])
        if target.get("is_global", False) is not was.get("is_global", False):
            client.set_global(id, target["is_global"])

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        if target is None:
            return None
        try:
            state = client.function_state(id)
        except Refused as error:
            return error.detail
        if state["type"] != self.name and get(target, VERSION) is not ABSENT:
            return say(
                "Open WebUI takes it for a {type}, not for a {name}", type=term(state["type"]), name=term(self.name)
            )
        if target.get("is_active") and not state["is_active"]:
            return say("Open WebUI switched it off because it does not load")
        return None


def _function_record(row: Json) -> Json:
    return {
        "name": row["name"],
        "content": row["content"],
        "meta": stored_meta(row["meta"]),
        "valves": row.get("valves") or {},
        "is_active": row["is_active"],
        "is_global": row["is_global"],
    }
