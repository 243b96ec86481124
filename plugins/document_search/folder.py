"""A folder on the server."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from plugins.document_search.access import may_use
from plugins.document_search.cutting import cut
from plugins.document_search.index import LARGEST_SHELF, Shelf, shelf_of
from plugins.document_search.knowledge import MOST_DOCUMENTS
from plugins.document_search.library import kept_shelf
from plugins.document_search.passages import Passage
from plugins.document_search.turn import Turn
from plugins.shared.log import log
from plugins.shared.visible import visible

LARGEST_FILE = 30_000_000  # bytes, in the folder
READERS = (".txt", ".md", ".pdf", ".docx")
MOST_PAGES = 2_000


def pages_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield page number, 0 where there are no pages, and text. Raises what the readers raise."""
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError("too large")
    if path.suffix.lower() == ".pdf":
        from pypdf import PdfReader  # type: ignore[import-not-found, unused-ignore]

        for number, page in enumerate(PdfReader(path).pages[:MOST_PAGES], 1):
            yield number, page.extract_text()
    elif path.suffix.lower() == ".docx":
        from docx import Document

        yield 0, "\n".join(paragraph.text for paragraph in Document(str(path)).paragraphs)
    else:
        raw = path.read_bytes()
        with suppress(UnicodeDecodeError):
            yield 0, raw.decode("utf-8-sig")
            return
        yield 0, raw.decode("cp932", "replace")


def folder_shelf(root: Path, paths: list[Path]) -> Shelf:
    passages: list[Passage] = []
    unread, home = 0, root.resolve()
    for path in paths:
        name = visible(str(path.relative_to(home)))
        try:
            for place, text in pages_of(path):
                parts = enumerate(cut(visible(text)))
                passages += [Passage(f"folder:{name}:{place}:{at}", part, name, place) for at, part in parts]
        except Exception as error:  # a broken file, in whatever way
            log.warning("document_search: a %s file cannot be read (%s)", path.suffix, type(error).__name__)
            unread += 1
        if sum(len(passage.text) for passage in passages) > LARGEST_SHELF:
            break
    return shelf_of(root.name or str(root), passages, len(paths), unread)


def files_below(root: Path) -> list[tuple[Path, int, int]] | None:
    """Return path, size and time of change of each file, following no link out of the folder; None without a folder."""
    try:
        home = root.resolve(strict=True)
        paths = (path for path in sorted(home.rglob("*")) if path.suffix.lower() in READERS)
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
        turn.note("folder_skipped", count=shelf.unread)
    if shelf and shelf.index is None:
        turn.note("large", name=shelf.name)
    return shelf
