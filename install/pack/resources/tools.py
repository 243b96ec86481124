"""Tools: functions that a model may call, with readers of their own."""

from install.errors import Refused
from install.open_webui import OpenWebUI
from install.pack.resources.access import GRANTS, to_list, to_set
from install.pack.resources.plugins import Plugins, plugin_form, require_stored, stored_meta
from install.pack.tree import Json


class Tools(Plugins):
    name = "tool"

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        return {id: _tool_record(row, client.tool_valves(id)) for id, row in client.tools().items()}

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        if target is None:
            client.delete_tool(id)
            return
        grants = target.get(GRANTS, {})
        if current is None:
            client.create_tool({**plugin_form(id, target), GRANTS: to_list(grants)})
        else:
            if plugin_form(id, current) != plugin_form(id, target):
                client.update_tool(plugin_form(id, target))
            if grants != current[GRANTS]:
                client.set_tool_access(id, to_list(grants))
        before, after = ((each or {}).get("valves") or {} for each in (current, target))
        if before != after:
            require_stored(before, after, client.set_tool_valves(id, after))

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        if target is None:
            return None
        try:
            client.load_tool(id)
        except Refused as error:
            return error.detail
        return None


def _tool_record(row: Json, valves: Json) -> Json:
    return {
        "name": row["name"],
        "content": row["content"],
        "meta": stored_meta(row["meta"]),
        "valves": valves,
        GRANTS: to_set(row.get(GRANTS) or []),
    }
