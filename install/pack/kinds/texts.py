"""Prompts and banners."""

from install.open_webui import OpenWebUI
from install.pack.kinds.access import GRANTS, to_list, to_set
from install.pack.kinds.kind import Kind, Owner
from install.pack.tree import ABSENT, Json, Path, get

STAMP = "sekisho"
PROMPT_FIELDS = ("name", "content", "data", "meta", "tags")


class Prompts(Kind):
    """By command, without the slash."""

    name = "prompt"
    code = ("content",)

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        return {command: self._record(row) for command, row in client.prompts().items()}

    def _record(self, row: Json) -> Json:
        fields = {key: row.get(key) for key in PROMPT_FIELDS}
        return {**fields, GRANTS: to_set(row.get(GRANTS) or [])}

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        grants = to_list((target or {}).get(GRANTS, {}))
        form = {"command": id, **{key: (target or {}).get(key) for key in PROMPT_FIELDS}}
        if current is None:
            client.create_prompt({**form, GRANTS: grants})
            return
        prompt_id = client.prompts()[id]["id"]
        if target is None:
            client.delete_prompt(prompt_id)
            return
        if any(target.get(key) != current.get(key) for key in PROMPT_FIELDS):
            client.update_prompt(prompt_id, {**form, "commit_message": "sekisho"})
        if target.get(GRANTS, {}) != current[GRANTS]:
            client.set_prompt_access(prompt_id, grants)

    def owner(self, current: Json) -> Owner:
        return Owner.OTHERS if get(current, ("meta", STAMP)) is ABSENT else Owner.PACK

    def label(self, path: Path) -> str:
        return "mark" if path[0] == "meta" else ".".join(path)


class Banners(Kind):
    name = "banner"
    overwrites = True

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        banners = client.settings().get("ui.banners") or []
        return {each["id"]: {key: value for key, value in each.items() if key != "id"} for each in banners}

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        banners = list(client.settings().get("ui.banners") or [])
        position = next((index for index, each in enumerate(banners) if each["id"] == id), len(banners))
        banners[position : position + 1] = [] if target is None else [{"id": id, **target}]
        client.set_settings({"ui.banners": banners})
