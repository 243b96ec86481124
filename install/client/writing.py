"""Files of tools: what would change, and how it is written: with a backup, in place, never twice."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.files import replacing
from install.client.documents import FORMATS, Malformed, NotMergeable, Unfitting, fresh, merged
from install.client.documents.changes import Change
from install.client.tool import File
from install.errors import InstallError
from install.wording import reason_of, say

_LARGEST = 16 * 1024 * 1024
_PRIVATE = 0o600
_BOM = "\ufeff"


class Unwritable(InstallError):
    """A file is not touched: it is broken, too large, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it is and as it has to be. `before` is None where there is none; `why` says why it stays as it is."""

    file: File
    path: Path
    before: bytes | None
    after: str
    changes: Sequence[Change] = ()
    why: Unwritable | None = None

    @property
    def state(self) -> str:
        if self.why:
            return "refused"
        if self.before is None:
            return "new"
        return "changed" if self.changes else "unchanged"


def draft(file: File) -> Draft:
    """Return what writing a file would do; never raises for what stands in the file."""
    shown = fresh(FORMATS[file.format], file.content)
    path = file.path
    try:
        # A link, as dotfile managers make them, stays; the file that it names is changed.
        path = file.path.resolve()
        before = _read(path)
        if before is None or not before.strip():
            return Draft(file, path, before, shown, [Change((), file.content)])
        text, needed = _merged(file, before)
        return Draft(file, path, before, text, needed)
    except Unwritable as why:
        return Draft(file, path, b"", shown, why=why)
    except (OSError, RuntimeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        return Draft(file, path, b"", shown, why=_not_ours(path, reason))


def write(draft: Draft) -> Path | None:
    """Write a file; return its backup, if there was anything. Raises `Unwritable`; the file is then as it was."""
    if draft.why:
        raise draft.why
    if draft.state == "unchanged":
        return None
    try:
        draft.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _read(draft.path) != draft.before:
            raise _changed_meanwhile(draft.path)
        backup = _backup(draft)
        mode = stat.S_IMODE(draft.path.stat().st_mode) & 0o700 | _PRIVATE if draft.before is not None else _PRIVATE
        with replacing(draft.path) as partial:
            create_file(partial, draft.after.encode(), mode)
    except OSError as error:
        raise _not_ours(draft.path, reason_of(error)) from error
    return backup


def _merged(file: File, before: bytes) -> tuple[str, Sequence[Change]]:
    try:
        text = before.decode()
        mark, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
        windows = "\r\n" in text
        edited, needed = merged(FORMATS[file.format], text.replace("\r\n", "\n"), file.content)
        return mark + (edited.replace("\n", "\r\n") if windows else edited), needed
    except UnicodeDecodeError as error:
        raise _broken(file.path, say("it is not UTF-8")) from error
    except Malformed as error:
        raise _broken(file.path, say("line {line}", line=error.line)) from error
    except Unfitting as error:
        raise _broken(file.path, say("at {place} stands something else than the tool expects", place=error)) from error
    except (NotMergeable, LookupError, TypeError, AttributeError, ValueError) as error:
        raise _broken(file.path, say("it is written in a way that cannot be changed in place")) from error


def _read(path: Path) -> bytes | None:
    """Return a file's content, None where there is none. Raises `Unwritable`, `OSError`."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        raise _not_ours(path, say("it is no file"))
    if state.st_size > _LARGEST:
        raise _not_ours(path, say("it is too large"))
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise _not_ours(path, say("it may not be written"))
    return path.read_bytes()


def _backup(draft: Draft) -> Path | None:
    """Copy a file beside itself, readable by its owner alone: it may hold a key."""
    if draft.before is None:
        return None
    when = f"{datetime.now():%Y%m%d-%H%M%S}"
    for number in range(100):
        path = draft.path.with_name(f"{draft.path.name}.before-sekisho-{when}{f'-{number}' if number else ''}")
        try:
            create_file(path, draft.before, _PRIVATE)
        except FileExistsError:
            continue
        return path
    raise _not_ours(draft.path, say("there are too many backups of it"))


def create_file(path: Path, content: bytes, mode: int) -> None:
    """Create a file with a mode. Raises `FileExistsError`, `OSError`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _broken(path: Path, where: str) -> Unwritable:
    return Unwritable(
        say("{path} cannot be read ({where}) and stays as it is.", path=path, where=where),
        say("Mend it, or enter what is shown by hand."),
    )


def _not_ours(path: Path, reason: str) -> Unwritable:
    return Unwritable(
        say("{path} stays as it is: {reason}.", path=path, reason=reason),
        say("Whoever manages it can enter what is shown."),
    )


def _changed_meanwhile(path: Path) -> Unwritable:
    return Unwritable(
        say("{path} was changed by another program in this moment.", path=path),
        say("Close the tool, and run the command again."),
    )


def joined(files: Sequence[File]) -> list[File]:
    """Return files with parts of the same one joined."""
    found: dict[Path, File] = {}
    for each in files:
        same = found.get(each.path)
        content = {**same.content, **each.content} if same else each.content
        found[each.path] = File(each.path, each.format, content)
    return list(found.values())
