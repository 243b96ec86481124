"""Prompts: texts that people call with a slash command."""

from collections.abc import Iterator

from install.open_webui import OpenWebUI
from install.pack.inputs import PlanInputs
from install.pack.manifest.values import FILE, read_text
from install.pack.resources.access import GRANTS, reading, to_list, to_set
from install.pack.resources.kind import Kind, Owner, Wanted
from install.pack.tree import ABSENT, Json, Path, get
from install.pack.tree import Path as LeafPath
from install.wording import term

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
        return term("mark") if path[0] == "meta" else Kind.label(self, path)


def wanted_prompts(inputs: PlanInputs) -> Iterator[Wanted]:
    for index, prompt in enumerate(inputs.manifest.prompts):
        content = prompt.content
        if content.startswith(FILE):
            content = read_text(inputs.manifest.folder, content, inputs.manifest.where("prompts", index, "content"))
        values: dict[LeafPath, object] = {
            ("name",): prompt.name,
            ("content",): content,
            ("tags",): list(prompt.tags),
            ("meta", STAMP): True,
            **reading(prompt.groups, inputs.groups),
        }
        yield Wanted("prompt", prompt.command, values)
