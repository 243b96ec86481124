"""Reading a raw file in a process of its own, which a hostile file may exhaust or crash."""

import ast
import asyncio
import json
import math
import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_webui.storage.provider import Storage


def needed_imports(source: str, block: str) -> list[str]:
    """Return the imports of the standard library that the reader uses."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
            origin = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            standard = origin.partition(".")[0] in sys.stdlib_module_names
            if standard and any(re.search(rf"\b{name}\b", block) for name in names):
                found.append(ast.unparse(node))
    return found


def reader_source() -> str:
    """Return the reader as a program. Open WebUI loads this file by a copy that is gone afterwards."""
    try:
        source = Path(__file__).read_text(encoding="utf-8")
        block = source.split("# >>> reader\n")[1].split("# <<< reader\n")[0]
        return "\n".join([*needed_imports(source, block), block, "read_and_tell(*sys.argv[1:])\n"])
    except (NameError, OSError, IndexError, SyntaxError):
        return ""  # loaded in another way: Open WebUI's own text is used alone


READER = reader_source()
READERS = asyncio.Semaphore(2)
READ_MEMORY = 1_500_000_000  # bytes of address space
READ_CHARACTERS = 20_000_000  # of one file; also of all that are remembered
REMEMBER_FILES = 50
SLOW_SECONDS = 600  # for which a file that took too long is not tried again
memory: dict[tuple[Any, ...], dict[str, Any]] = {}


@dataclass
class Reading:
    """How files are read in this turn. `deadline` in time.monotonic seconds, for all waiting together."""

    valves: Any
    page_marks: bool
    user_id: str
    deadline: float


async def run_reader(arguments: list[str], seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", READER, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds)
        found = json.loads(said)
        return found if isinstance(found, dict) else {"problem": "damaged"}
    except TimeoutError:
        return {"problem": "slow"}
    except ValueError:  # it died: out of memory, out of its processor time, crashed
        return {"problem": "damaged"}
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def read_in_a_process(file: Any, task: Reading) -> dict[str, Any]:
    """Return what `read_file` returns; its "problem" may be "unreachable", too. Raises nothing."""
    valves = task.valves
    try:
        path = await asyncio.to_thread(Storage.get_file, file.path)
        if (await asyncio.to_thread(os.path.getsize, path)) > valves.max_megabytes * 1_000_000:
            return {"problem": "too_big"}
    except Exception:
        return {"problem": "unreachable"}
    limits = {
        "pages": valves.max_pages,
        "characters": READ_CHARACTERS,
        "memory": READ_MEMORY,
        "seconds": valves.read_seconds,
        "marks": task.page_marks,
        "name": file.filename,
    }
    if not READER:
        return {"problem": "unreachable"}
    async with READERS:
        return await run_reader([path, json.dumps(limits)], valves.read_seconds)


async def remembered_reading(file: Any, task: Reading) -> dict[str, Any]:
    """Read the file in a process, once: every turn asks again."""
    key = (file.id, file.updated_at, file.hash, task.page_marks)
    if key not in memory or memory[key].get("until", math.inf) < time.monotonic():
        found = await read_in_a_process(file, task)
        if found.get("problem") == "unreachable":  # may go better next time
            return found
        if found.get("problem") == "slow":
            found["until"] = time.monotonic() + SLOW_SECONDS
        memory[key] = found
        while len(memory) > REMEMBER_FILES or sum(len(one.get("text") or "") for one in memory.values()) > (
            READ_CHARACTERS
        ):
            memory.pop(next(iter(memory)))
        return found
    memory[key] = memory.pop(key)  # the latest used stays the longest
    return memory[key]
