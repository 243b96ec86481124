"""A folder on the server."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from plugins.document_search.access import may_use
from plugins.document_search.extents import passages_in
from plugins.document_search.index import LARGEST_SHELF, Shelf, shelf_of
from plugins.document_search.knowledge import MOST_DOCUMENTS
from plugins.document_search.library import kept_shelf
from plugins.document_search.passages import Passage
from plugins.document_search.plain import plain
from plugins.document_search.turn import Turn
from plugins.shared.log import log
from plugins.shared.reader.outcome import Outcome, Unreadable
from plugins.shared.reader.program import kind_of, read_bytes
from plugins.shared.visible import visible

LARGEST_FILE = 30_000_000  # bytes, in the folder
LARGEST_TEXT_OF_FILE = 5_000_000  # characters
MOST_PAGES = 2_000
LEFT_ALONE = (".", "~$", "Thumbs.db", "desktop.ini")
"""How names begin of files that no person wrote."""
NAMED_UNREAD = 5


def pages_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield page number, 0 where there are no pages, and text. Raises Unreadable, and what the readers raise."""
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable("too_big")
    raw = path.read_bytes()
    if kind_of(raw, path.name) == "pdf":
        from pypdf import PdfReader  # type: ignore[import-not-found, unused-ignore]

        for number, page in enumerate(PdfReader(path).pages[:MOST_PAGES], 1):
            yield number, page.extract_text()
        return
    outcome = Outcome(LARGEST_TEXT_OF_FILE)
    read_bytes(raw, path.name, outcome, 0, {"marks": False, "pages": MOST_PAGES})
    yield 0, outcome.text


def passages_of_file(path: Path, name: str) -> list[Passage]:
    """Return the passages of a file. Raises Unreadable where it has no text, and what the readers raise."""
    found: list[Passage] = []
    for place, text in pages_of(path):
        document = Passage("", "", name, place)
        found += passages_in(f"folder:{name}:{place}", visible(text), document)
    if not found:
        raise Unreadable("empty")
    return found


def folder_shelf(root: Path, paths: list[Path]) -> Shelf:
    passages: list[Passage] = []
    unread: list[str] = []
    home = root.resolve()
    for path in paths:
        name = visible(str(path.relative_to(home)))
        try:
            passages += passages_of_file(path, name)
        except Exception as error:  # a broken file, in whatever way
            log.warning("document_search: a %s file cannot be read (%s)", path.suffix, type(error).__name__)
            unread.append(name)
        if sum(len(passage.text) for passage in passages) > LARGEST_SHELF:
            break
    return shelf_of(root.name or str(root), passages, len(paths), unread)


def files_below(root: Path) -> list[tuple[Path, int, int]] | None:
    """Return path, size and time of change of each file, following no link out of the folder; None without a folder."""
    try:
        home = root.resolve(strict=True)
        paths = (path for path in sorted(home.rglob("*")) if not path.name.startswith(LEFT_ALONE))
        inside = [path for path in paths if path.is_file() and path.resolve().is_relative_to(home)]
        return [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in inside[:MOST_DOCUMENTS]]
    except OSError:
        return None


async def shelf_of_folder(turn: Turn) -> Shelf | None:
    place = turn.valves.folder.strip()
    if not place or not await may_use(turn, turn.valves.folder_groups):
        return None
    files = await asyncio.to_thread(files_below, Path(place))
    if files is None:
        turn.note("folder_missing")
        return None
    read = partial(asyncio.to_thread, folder_shelf, Path(place), [path for path, *_ in files])
    shelf = await kept_shelf(f"folder {place}", str(hash(tuple(files))), read)
    if shelf and shelf.unread:
        named = turn.text["list"].join(map(plain, shelf.unread_names[:NAMED_UNREAD]))
        turn.note("folder_skipped", count=shelf.unread, names=named + ("…" if shelf.unread > NAMED_UNREAD else ""))
    if shelf and shelf.index is None:
        turn.note("large", name=shelf.name)
    return shelf
