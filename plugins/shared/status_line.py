"""The status line of a turn, which all filters of the pack share."""

from plugins.shared.types import Emitter, Json

LINES = "sekisho_lines"  # in __metadata__: what was told about this turn, by all filters of the pack
TOLD_FILES = "sekisho_told_files"  # in __metadata__: ids of files whose fate is in one of those lines

FULL_TEXT = "full_text"  # id of that filter, and action of its line in saved chats
ABOUT_A_FILE = "full_text_file"  # action of the lines about single files, which a click opens


async def show(emitter: Emitter | None, description: str, done: bool, action: str = "") -> None:
    if emitter:
        more = {"action": action} if action else {}
        await emitter({"type": "status", "data": {"description": description, "done": done, **more}})


async def tell(metadata: Json, emitter: Emitter | None, line: str, part: str, action: str = "") -> None:
    """Show the line behind those of this turn, once: people see only the latest status.

    An `action` stays with the status in the saved chat, for later turns to know who spoke.
    """
    lines = metadata.setdefault(LINES, [])
    if line and line not in lines:
        lines.append(line)
        await show(emitter, part.join(lines), done=True, action=action)
