"""The status line of a turn, which all filters of the pack share."""

from plugins.shared.types import Emitter, Json

LINES = "sekisho_lines"  # in __metadata__: what was told about this turn, by all filters of the pack
TOLD_FILES = "sekisho_told_files"  # in __metadata__: ids of files whose fate is in one of those lines


async def show(emitter: Emitter | None, description: str, done: bool) -> None:
    if emitter:
        await emitter({"type": "status", "data": {"description": description, "done": done}})


async def tell(metadata: Json, emitter: Emitter | None, line: str, part: str) -> None:
    """Show the line behind those of this turn, once: people see only the latest status."""
    lines = metadata.setdefault(LINES, [])
    if line and line not in lines:
        lines.append(line)
        await show(emitter, part.join(lines), done=True)
