"""Functions (filters, pipes, actions) and tools: plugin files that Open WebUI runs."""

import difflib
from collections.abc import Mapping

from install.errors import Refused
from install.open_webui import OpenWebUI
from install.pack.kinds.access import GRANTS, to_list, to_set
from install.pack.kinds.kind import Kind, Owner
from install.pack.plugin import fingerprint
from install.pack.tree import ABSENT, Json, Leaf, Path, get

STAMP = "sekisho"
CONTENT = ("content",)
VERSION = ("meta", STAMP, "version")

# Open WebUI computes these from the text at every save.
COMPUTED = ("manifest", "toggle", "has_user_valves")

TEXTS = {("meta", "i18n"), ("meta", "description")}

LABELS: Mapping[Path, str] = {("is_active",): "active", ("is_global",): "in every chat"}


def stored_meta(meta: Json) -> Json:
    return {key: value for key, value in meta.items() if key not in COMPUTED}


def _form(id: str, record: Json) -> Json:
    version = get(record, VERSION)
    message = f"sekisho {version}" if version is not ABSENT else "sekisho: put back as it was"
    fields = {"id": id, "name": record["name"], "content": record["content"], "meta": record.get("meta", {})}
    return {**fields, "commit_message": message}


class Plugins(Kind):
    """What functions and tools have in common."""

    code = CONTENT

    def owner(self, current: Json) -> Owner:
        sha256 = get(current, ("meta", STAMP, "sha256"))
        if sha256 is ABSENT:
            return Owner.OTHERS
        return Owner.PACK if sha256 == fingerprint(current["content"]) else Owner.EDITED

    def stamped(self, path: Path) -> bool:
        return path == CONTENT or path[0] == "meta"

    def label(self, path: Path) -> str:
        if path[0] == "valves":
            return f"valve {'.'.join(path[1:])}"
        return LABELS.get(path) or ".".join(path[1:] if path[0] == "meta" else path)

    def describe(self, current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> list[str]:
        lines = []
        if CONTENT in touched:
            lines.append(_versions(current, touched))
            before, after = touched[CONTENT]
            if isinstance(before, str) and isinstance(after, str):
                lines.append(_line_counts(before, after))
        if current is not None and any(path[:2] in TEXTS for path in touched):
            lines.append("description and translations")
        return lines

    def told(self, path: Path) -> bool:
        return path == CONTENT or path[0] == "name" or path[:2] in TEXTS | {("meta", STAMP)}


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
            client.create_function(_form(id, target))
        elif _form(id, current) != _form(id, target):
            client.update_function(_form(id, target))
        before, after = ((each or {}).get("valves") or {} for each in (current, target))
        if before != after:
            _require_stored(before, after, client.set_valves(id, after))
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
            return f"Open WebUI takes it for a {state['type']}, not for a {self.name}"
        if target.get("is_active") and not state["is_active"]:
            return "Open WebUI switched it off because it does not load"
        return None


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
            client.create_tool({**_form(id, target), GRANTS: to_list(grants)})
        else:
            if _form(id, current) != _form(id, target):
                client.update_tool(_form(id, target))
            if grants != current[GRANTS]:
                client.set_tool_access(id, to_list(grants))
        before, after = ((each or {}).get("valves") or {} for each in (current, target))
        if before != after:
            _require_stored(before, after, client.set_tool_valves(id, after))

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        if target is None:
            return None
        try:
            client.load_tool(id)
        except Refused as error:
            return error.detail
        return None


def _require_stored(before: Json, after: Json, stored: Json) -> None:
    """Open WebUI drops names that a plugin does not declare, and turns values into its types. Raises `Refused`."""
    written = {name for name, value in after.items() if before.get(name, ABSENT) != value}
    if lost := sorted(name for name in written if stored.get(name, ABSENT) != after[name]):
        raise Refused("POST", "valves", 400, f"the plugin does not store {', '.join(lost)} as given")


def _function_record(row: Json) -> Json:
    return {
        "name": row["name"],
        "content": row["content"],
        "meta": stored_meta(row["meta"]),
        "valves": row.get("valves") or {},
        "is_active": row["is_active"],
        "is_global": row["is_global"],
    }


def _tool_record(row: Json, valves: Json) -> Json:
    return {
        "name": row["name"],
        "content": row["content"],
        "meta": stored_meta(row["meta"]),
        "valves": valves,
        GRANTS: to_set(row.get(GRANTS) or []),
    }


def _versions(current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> str:
    before, after = touched.get(VERSION, (ABSENT, ABSENT))
    new = after if after is not ABSENT else get(current, VERSION)
    if current is None:
        return f"version {new}"
    old = before if before is not ABSENT else get(current, VERSION)
    return f"version {'?' if old is ABSENT else old} → {'as it was' if new is ABSENT else new}"


def _line_counts(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"lines: {added} added, {removed} removed"
