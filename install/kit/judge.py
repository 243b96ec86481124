"""Whether a turn went as it was recorded. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from install.kit.conversation import Expected

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back in a turn, and what the models were asked meanwhile."""

    text: str
    thinking: str
    events: Sequence[Json]
    error: str | None
    sent: Json | None
    """What a filter made of the request."""
    asked: Sequence[Json]
    ms: float
    stopped: bool = False

    def data(self, *kinds: str) -> list[Json]:
        """What was told with these types of events."""
        return [event.get("data") or {} for event in self.events if event.get("type") in kinds]

    @property
    def statuses(self) -> list[str]:
        return [str(status.get("description", "")) for status in self.data("status")]

    @property
    def sources(self) -> list[str]:
        return [str((source.get("source") or {}).get("name", "")) for source in self.data("source", "citation")]


def differences(expected: Expected, heard: Heard) -> list[str]:
    """One sentence for each thing that is not as it should be; none if all is well."""
    return [*_errors(expected, heard), *_text(expected, heard), *_events(expected, heard), *_models(expected, heard)]


def _errors(expected: Expected, heard: Heard) -> Iterator[str]:
    if expected.error is None:
        if heard.error is not None:
            yield f"an error: {_short(heard.error)}"
    elif heard.error is None:
        yield f"no error, but {expected.error!r} should be told"
    elif expected.error not in heard.error:
        yield f"the error does not say {expected.error!r}: {_short(heard.error)}"


def _text(expected: Expected, heard: Heard) -> Iterator[str]:
    yield from (f"not said: {each!r} in {_short(heard.text)}" for each in expected.contains if each not in heard.text)
    yield from (f"said: {each!r}" for each in expected.lacks if each in heard.text)
    yield from (f"not thought: {each!r}" for each in expected.thinks if each not in heard.thinking)
    if expected.equals is not None and expected.equals.strip() != heard.text.strip():
        yield f"said {_short(heard.text)}, not {_short(expected.equals)}"
    if expected.matches is not None and not re.search(expected.matches, heard.text):
        yield f"/{expected.matches}/ does not match {_short(heard.text)}"


def _events(expected: Expected, heard: Heard) -> Iterator[str]:
    kinds = [str(event.get("type")) for event in heard.events]
    notes = [str(note.get("content", "")) for note in heard.data("notification")]
    yield from _missing("status", expected.statuses, heard.statuses)
    yield from _missing("source", expected.sources, heard.sources)
    yield from _missing("notification", expected.notifies, notes)
    yield from _missing("event", expected.events, kinds)
    if (last := heard.data("status")[-1:]) and last[0].get("done") is not True:
        yield f"the last status stays open: {_short(heard.statuses[-1])}"


def _models(expected: Expected, heard: Heard) -> Iterator[str]:
    sent = json.dumps([*heard.asked, *([heard.sent] if heard.sent else [])], ensure_ascii=False)
    yield from (f"not sent to a model: {each!r}" for each in expected.sent if each not in sent)
    if expected.calls is not None and expected.calls != len(heard.asked):
        yield f"models were asked {len(heard.asked)} times, not {expected.calls}"
    if expected.max_ms is not None and heard.ms > expected.max_ms:
        yield f"took {heard.ms:.0f} ms, more than {expected.max_ms:.0f}"


def _missing(what: str, wanted: Iterable[str], found: Sequence[str]) -> Iterator[str]:
    """Each wanted text stands in one of the found ones, after the one before."""
    start = 0
    for each in wanted:
        place = next((index for index in range(start, len(found)) if each in found[index]), None)
        if place is None:
            yield f"no {what} {each!r} in its place; there are: {', '.join(map(_short, found)) or 'none'}"
            return
        start = place + 1


def _short(text: str) -> str:
    flat = " ".join(str(text).split())
    return repr(flat if len(flat) <= 120 else f"{flat[:119]}…")
