"""Whether a turn went as it was recorded. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from install.kit.conversation import Expected

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observed:
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
        """Return the data of the events of these types."""
        return [event.get("data") or {} for event in self.events if event.get("type") in kinds]

    @property
    def statuses(self) -> list[str]:
        return [str(status.get("description", "")) for status in self.data("status")]

    @property
    def sources(self) -> list[str]:
        return [str((source.get("source") or {}).get("name", "")) for source in self.data("source", "citation")]


def differences(expected: Expected, observed: Observed) -> list[str]:
    """Return one sentence for each thing that is not as it should be; none if all is well."""
    return [
        *_errors(expected, observed),
        *_text(expected, observed),
        *_events(expected, observed),
        *_models(expected, observed),
    ]


def _errors(expected: Expected, observed: Observed) -> Iterator[str]:
    if expected.error is None:
        if observed.error is not None:
            yield f"an error: {_short(observed.error)}"
    elif observed.error is None:
        yield f"no error, but {expected.error!r} should be told"
    elif expected.error not in observed.error:
        yield f"the error does not say {expected.error!r}: {_short(observed.error)}"


def _text(expected: Expected, observed: Observed) -> Iterator[str]:
    yield from (
        f"not said: {each!r} in {_short(observed.text)}" for each in expected.contains if each not in observed.text
    )
    yield from (f"said: {each!r}" for each in expected.lacks if each in observed.text)
    yield from (f"not thought: {each!r}" for each in expected.thinks if each not in observed.thinking)
    if expected.equals is not None and expected.equals.strip() != observed.text.strip():
        yield f"said {_short(observed.text)}, not {_short(expected.equals)}"
    if expected.matches is not None and not re.search(expected.matches, observed.text):
        yield f"/{expected.matches}/ does not match {_short(observed.text)}"


def _events(expected: Expected, observed: Observed) -> Iterator[str]:
    kinds = [str(event.get("type")) for event in observed.events]
    notes = [str(note.get("content", "")) for note in observed.data("notification")]
    yield from _missing("status", expected.statuses, observed.statuses)
    yield from _missing("source", expected.sources, observed.sources)
    yield from _missing("notification", expected.notifies, notes)
    yield from _missing("event", expected.events, kinds)
    if (last := observed.data("status")[-1:]) and last[0].get("done") is not True:
        yield f"the last status stays open: {_short(observed.statuses[-1])}"


def _models(expected: Expected, observed: Observed) -> Iterator[str]:
    sent = json.dumps([*observed.asked, *([observed.sent] if observed.sent else [])], ensure_ascii=False)
    yield from (f"not sent to a model: {each!r}" for each in expected.sent if each not in sent)
    if expected.calls is not None and expected.calls != len(observed.asked):
        yield f"models were asked {len(observed.asked)} times, not {expected.calls}"
    if expected.max_ms is not None and observed.ms > expected.max_ms:
        yield f"took {observed.ms:.0f} ms, more than {expected.max_ms:.0f}"


def _missing(what: str, wanted: Iterable[str], found: Sequence[str]) -> Iterator[str]:
    """Yield a sentence if the wanted texts do not stand in the found ones, in this order."""
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
