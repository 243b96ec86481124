"""What the machine around a program refuses, in words. Standard library only: the installer uses it too."""

import errno
import sys
from collections.abc import Callable

from gateway.errors import SekishoError

_REMEDIES = {
    errno.EACCES: "Check its owner and rights, or run this as another user.",
    errno.EPERM: "Check its owner and rights, or run this as another user.",
    errno.EROFS: "It is on a read-only disk: name another folder.",
    errno.ENOSPC: "The disk is full: make room, then try again.",
    errno.EDQUOT: "The quota of the disk is used up: make room, then try again.",
    errno.EMFILE: "Too many files are open: raise the limit (`ulimit -n`).",
    errno.ENOTDIR: "A file stands where a folder is needed: name another folder.",
    errno.EEXIST: "A file stands where a folder is needed: name another folder.",
    errno.EISDIR: "A folder stands where a file is needed: name another file.",
    errno.ENOENT: "It is not there: check the path.",
    errno.EADDRINUSE: "Another program uses the address: choose another port.",
}
_DATABASES = ("sqlalchemy.", "sqlite3", "asyncpg.")
_LONGEST = 300


class Refused(SekishoError):
    """A file, disk or database does not let the program do its work."""


def in_words(error: BaseException) -> str | None:
    """Return what a person can do about an error of the machine, or None where the error is a bug."""
    if isinstance(error, OSError) and error.errno is not None:
        remedy = _REMEDIES.get(error.errno, "Check the machine's disk and network, then try again.")
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{(error.strerror or type(error).__name__).lower()}. {remedy}"
    if f"{type(error).__module__}.".startswith(_DATABASES):
        reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0][:_LONGEST]
        return f"The database of keys refused: {reason}. Check 'database:' or the files in data_dir, then try again."
    if type(error).__module__.endswith("duckdb"):
        reason = str(error).split("\n", 1)[0][:_LONGEST]
        return (
            f"The ledger cannot be read: {reason}. `sekisho ledger status` says how it stands; set a broken file aside."
        )
    return None


def run(
    command: Callable[[], object],
    worded: Callable[[BaseException], str | None] = in_words,
    labelled: Callable[[str], str] = "error: {}".format,
) -> None:
    """Run the command line: a known problem is one line and an exit code; anything else is a bug and shows itself."""
    try:
        command()
    except SekishoError as error:
        _end(labelled(str(error)), error.exit_code)
    except Exception as error:
        words = worded(error)
        if words is None:
            raise
        _end(labelled(words), Refused.exit_code)


def _end(line: str, code: int) -> None:
    print(line, file=sys.stderr)
    sys.exit(code)
