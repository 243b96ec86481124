"""Run a function in a process of its own that is killed when its time is up.

DuckDB looks for an interruption between its pieces of work; one function may work on one piece for an hour.
"""

import functools
import multiprocessing
import signal
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.errors import SekishoError
from gateway.failures import Refused, in_words

P = ParamSpec("P")
T = TypeVar("T")

_GRACE_SECONDS = 1.0
"""Seconds that the work gets to end by itself, with a better message."""
_BEGIN_SECONDS = 600.0
"""Seconds for finding and opening the files, before the work begins."""


class OutOfTime(SekishoError):
    """The work took too long and was killed."""


class Failed(SekishoError):
    """An error that the work raised, with its exit code."""

    def __init__(self, words: str, exit_code: int) -> None:
        super().__init__(words)
        self.exit_code = exit_code  # type: ignore[misc]  # the one class whose exit code is another's


def within(
    seconds: float, work: Callable[Concatenate[Callable[[], None], P], T], *arguments: P.args, **options: P.kwargs
) -> T:
    """Return what `work` returns, which calls its first argument when it begins. Raises `OutOfTime`, `Failed`.

    Function, arguments and result are pickled: a fork would take over locks of threads that it does not have.
    Temporary files of the work are removed, also where it was killed.
    """
    with tempfile.TemporaryDirectory(prefix="sekisho-usage-") as scratch:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        given = (functools.partial(_called, work, arguments, options), theirs, scratch, seconds)
        process = multiprocessing.get_context("spawn").Process(target=_run, args=given, daemon=True)
        process.start()
        theirs.close()
        try:
            answer: T = _result(ours, seconds)
            return answer
        finally:
            process.kill()
            process.join()
            ours.close()


def _result(pipe: Connection, seconds: float) -> Any:
    limit = _BEGIN_SECONDS
    while pipe.poll(limit):
        try:
            kind, value = pipe.recv()
        except EOFError:
            raise Refused("The question ended without an answer; it may have needed too much memory.") from None
        if kind == "begun":
            limit = seconds + _GRACE_SECONDS
        elif kind == "failed":
            raise Failed(*value)
        else:
            return value
    raise OutOfTime


def _called(
    work: Callable[..., T], arguments: tuple[Any, ...], options: dict[str, Any], begun: Callable[[], None]
) -> T:
    return work(begun, *arguments, **options)


def _run(work: Callable[[Callable[[], None]], Any], pipe: Connection, scratch: str, seconds: float) -> None:
    """Run the query process. The alarm ends it where its parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch

    def begun() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + 5 * _GRACE_SECONDS)
        pipe.send(("begun", None))

    try:
        pipe.send(("done", work(begun)))
    except SekishoError as error:
        pipe.send(("failed", (str(error), error.exit_code)))
    except Exception as error:
        if not (words := in_words(error)):
            raise
        pipe.send(("failed", (words, Refused.exit_code)))
    finally:
        pipe.close()
