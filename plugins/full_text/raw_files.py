"""Reading a raw file in a process of its own, which a hostile file may exhaust or crash."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_webui.storage.provider import Storage


def reader_source() -> str:
    """Return the reader as a program. Open WebUI loads this file by a copy that is gone afterwards."""
    try:
        source = Path(__file__).read_text(encoding="utf-8")
        block = source.split("# >>> reader\n")[1].split("# <<< reader\n")[0]
    except (NameError, OSError, IndexError):
        return ""  # loaded in another way: Open WebUI's own text is used alone
    return f"import importlib, json, sys\nfrom typing import Any\n{block}\nread_and_tell(*sys.argv[1:])\n"


READER = reader_source()
READERS = asyncio.Semaphore(2)
READ_MEMORY = 1_500_000_000  # bytes of address space
READ_CHARACTERS = 20_000_000  # of one file; also of all that are remembered
REMEMBER_FILES = 50
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
    """Return {"text": …} or {"problem": a key of TEXT, "scan", "unsupported" or "unreachable"}. Raises nothing."""
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
    }
    if not READER:
        return {"problem": "unreachable"}
    async with READERS:
        return await run_reader([path, json.dumps(limits)], valves.read_seconds)


async def remembered_reading(file: Any, task: Reading) -> dict[str, Any]:
    """Read the file in a process, once: every turn asks again."""
    key = (file.id, file.updated_at, file.hash, task.page_marks)
    if key not in memory:
        found = await read_in_a_process(file, task)
        if found.get("problem") in ("slow", "unreachable"):  # may go better next time
            return found
        memory[key] = found
        while len(memory) > REMEMBER_FILES or sum(len(one.get("text") or "") for one in memory.values()) > (
            READ_CHARACTERS
        ):
            memory.pop(next(iter(memory)))
        return found
    memory[key] = memory.pop(key)  # the latest used stays the longest
    return memory[key]
