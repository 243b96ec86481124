"""Prompts and banners."""

from collections.abc import Iterator

from install.pack.desired import Given
from install.pack.kinds.access import reading
from install.pack.kinds.texts import STAMP
from install.pack.threeway import Wanted
from install.pack.tree import Path as LeafPath
from install.pack.tree import leaves
from install.pack.values import FILE, read_text


def wanted_texts(given: Given) -> Iterator[Wanted]:
    for index, prompt in enumerate(given.manifest.prompts):
        content = prompt.content
        if content.startswith(FILE):
            content = read_text(given.manifest.folder, content, given.manifest.where("prompts", index, "content"))
        values: dict[LeafPath, object] = {
            ("name",): prompt.name,
            ("content",): content,
            ("tags",): list(prompt.tags),
            ("meta", STAMP): True,
            **reading(prompt.groups, given.groups),
        }
        yield Wanted("prompt", prompt.command, values)
    for banner in given.manifest.banners:
        fields = banner.model_dump(exclude={"id"} if banner.i18n else {"id", "i18n"}) | {"timestamp": 0}
        yield Wanted("banner", banner.id, dict(leaves(fields)))
