"""Shelves that are kept, and read again when they change."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from plugins.document_search.index import Shelf
from plugins.shared.log import log

LARGEST_LIBRARY = 12_000_000  # characters over all shelves that are kept: some 300 MB
SHELF_SECONDS = 600  # a shelf is read again after this, whatever its state says
SHELVES: OrderedDict[str, Shelf] = OrderedDict()
"""By knowledge base, never by person: who may read it is asked before it is looked up. The last used ones stay."""
READING: dict[str, asyncio.Task[Shelf | None]] = {}


def keep(key: str, shelf: Shelf) -> None:
    SHELVES[key] = shelf
    SHELVES.move_to_end(key)
    while len(SHELVES) > 1 and sum(each.characters for each in SHELVES.values()) > LARGEST_LIBRARY:
        SHELVES.popitem(last=False)


async def read_shelf(key: str, state: str, read: Callable[[], Awaitable[Shelf]]) -> Shelf | None:
    try:
        shelf = await read()
        shelf.state = state
        keep(key, shelf)
        return shelf
    except Exception as error:  # whatever a vector store or a disk raises
        log.warning("document_search: %s cannot be read (%s)", key, type(error).__name__)
        return None
    finally:
        READING.pop(key, None)


async def kept_shelf(key: str, state: str, read: Callable[[], Awaitable[Shelf]]) -> Shelf | None:
    """Return the shelf, read again when its state changes or it is old, once at a time; None if it cannot be read."""
    known = SHELVES.get(key)
    if known and known.state == state and time.monotonic() - known.read_at < SHELF_SECONDS:
        SHELVES.move_to_end(key)
        return known
    if (task := READING.get(key)) is None:
        task = READING[key] = asyncio.create_task(read_shelf(key, state, read))
    return await asyncio.shield(task)  # who stops asking does not stop it for the others
