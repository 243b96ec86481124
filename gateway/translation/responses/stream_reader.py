"""An upstream's stream of Responses as events. Source: platform.openai.com/docs/api-reference/responses-streaming."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.dialects.usage import from_responses
from gateway.profiles.profile import Profile
from gateway.translation.answer import Cited, Closed, Delta, Ended, Event, Failed, Opened, Started
from gateway.translation.parts import Part, Refusal, Text, Thinking, ToolCall
from gateway.translation.plain import event_data
from gateway.translation.responses.answer_reader import call_of, end_of, parts_of
from gateway.translation.responses.item_reader import thinking_of
from gateway.translation.responses.names import RESPONSES, dicts_in, text_of
from gateway.translation.responses.part_reader import citation

Fields = dict[str, Any]
_Place = tuple[int, ...]
"""The number of an item; of a part of a message also its number in it."""
_MOST_ITEMS = 10_000
_MOST_PARTS = 4096
"""What comes beyond them is left out."""


class _Open:
    """A part that has begun."""

    __slots__ = ("citations", "index", "item", "part", "texts")

    def __init__(self, index: int, part: Part, item: Fields) -> None:
        self.index, self.part, self.item = index, part, item
        self.texts: list[str] = []
        self.citations: list[Any] = []


class ResponsesReader:
    """Reads one stream. An answer whose parts came without their events is read from its last event."""

    def __init__(self, profile: Profile) -> None:
        self._open: dict[_Place, _Open] = {}
        self._begun: set[_Place] = set()
        self._told: set[int] = set()
        """The numbers of items of which parts were told."""
        self._done: set[int] = set()
        """The numbers of items that are complete."""
        self._numbers: dict[str, int] = {}
        """The numbers of items by their ids, for servers that do not number them in their events."""
        self._parts: list[Part] = []
        self._next = 0
        self._started = self._over = False

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        event = event_data(payload)
        if not event or self._over:
            return ()
        kind = event.get("type")
        read = _EVENTS.get(kind if isinstance(kind, str) else name.decode("utf-8", "replace"))
        if read is None:
            return (self._failed(payload),) if event.get("error") else ()
        return list(read(self, event, payload))

    def end(self) -> Sequence[Event]:
        return ()

    def _failed(self, payload: bytes) -> Failed:
        self._over = True
        return Failed(payload)

    def _error(self, event: Fields, payload: bytes) -> Iterator[Event]:
        yield self._failed(payload)

    def _created(self, event: Fields, payload: bytes) -> Iterator[Event]:
        if self._started:
            return
        self._started = True
        found = event.get("response")
        answer = found if isinstance(found, dict) else {}
        created = answer.get("created_at")
        yield Started(
            text_of(answer.get("id")),
            text_of(answer.get("model")),
            None,
            int(created) if isinstance(created, int | float) and not isinstance(created, bool) else None,
        )

    def _item_added(self, event: Fields, payload: bytes) -> Iterator[Event]:
        item = _item(event)
        kind, at = item.get("type"), self._number(event)
        if kind in ("function_call", "custom_tool_call"):
            yield from self._begin((at,), call_of(item, ""), item)
            if arguments := text_of(item.get("arguments")) or text_of(item.get("input")):
                yield from self._more((at,), arguments)
        elif kind == "reasoning":
            found_id = text_of(item.get("id")) or None
            yield from self._begin((at,), Thinking(origin=RESPONSES, id=found_id), item)

    def _part_added(self, event: Fields, payload: bytes) -> Iterator[Event]:
        part = event.get("part")
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("output_text", "text", "refusal"):
            yield from self._begin(self._place(event), Refusal(text="") if kind == "refusal" else Text(text=""), {})

    def _text(self, event: Fields, payload: bytes) -> Iterator[Event]:
        place = self._place(event)
        if place not in self._open:
            yield from self._begin(place, Text(text=""), {})
        logprobs = event.get("logprobs")
        yield from self._more(place, text_of(event.get("delta")), logprobs if isinstance(logprobs, list) else None)

    def _refusal(self, event: Fields, payload: bytes) -> Iterator[Event]:
        place = self._place(event)
        if place not in self._open:
            yield from self._begin(place, Refusal(text=""), {})
        yield from self._more(place, text_of(event.get("delta")))

    def _arguments(self, event: Fields, payload: bytes) -> Iterator[Event]:
        yield from self._more((self._number(event),), text_of(event.get("delta")))

    def _thought(self, event: Fields, payload: bytes) -> Iterator[Event]:
        place = (self._number(event),)
        if place not in self._open:
            yield from self._begin(place, Thinking(origin=RESPONSES), {})
        yield from self._more(place, text_of(event.get("delta")))

    def _next_summary(self, event: Fields, payload: bytes) -> Iterator[Event]:
        """Begin another paragraph of a summary."""
        place = (self._number(event),)
        if place in self._open and self._open[place].texts:
            yield from self._more(place, "\n\n")

    def _annotated(self, event: Fields, payload: bytes) -> Iterator[Event]:
        found, opened = event.get("annotation"), self._open.get(self._place(event))
        if opened and isinstance(found, dict):
            opened.citations.append(citation(found))
            yield Cited(opened.index, opened.citations[-1])

    def _part_done(self, event: Fields, payload: bytes) -> Iterator[Event]:
        place, part = self._place(event), event.get("part")
        if isinstance(part, dict) and place in self._open:
            yield from self._rest(place, text_of(part.get("text")) or text_of(part.get("refusal")))
            yield from self._finish(place)

    def _item_done(self, event: Fields, payload: bytes) -> Iterator[Event]:
        item, at = _item(event), self._number(event)
        if at in self._done:
            return
        self._done.add(at)
        yield from self._close_texts(at)
        whole = list(parts_of(item))
        if (at,) in self._open and whole:
            yield from self._rest((at,), getattr(whole[0], "arguments", "") or getattr(whole[0], "text", ""))
            yield from self._finish((at,), item)
        elif at not in self._told:
            for part in whole:
                yield from self._whole(part)

    def _completed(self, event: Fields, payload: bytes) -> Iterator[Event]:
        found = event.get("response")
        answer = found if isinstance(found, dict) else {}
        if answer.get("status") in ("failed", "cancelled"):
            yield self._failed(payload)
            return
        yield from self._created({"response": answer}, payload)
        for at, item in enumerate(dicts_in(answer.get("output"))):
            known = self._numbers.get(text_of(item.get("id")), at)
            yield from self._item_done({"item": item, "output_index": known}, payload)
        for place in list(self._open):
            yield from self._finish(place)
        self._over = True
        tier = answer.get("service_tier")
        yield Ended(
            end_of(answer, tuple(self._parts)),
            None,
            from_responses(answer.get("usage")),
            tier if isinstance(tier, str) else None,
        )

    def _number(self, event: Fields) -> int:
        """Return the number of the item that an event is about."""
        at, item_id = event.get("output_index"), event.get("item_id") or _item(event).get("id")
        known = self._numbers.get(item_id) if isinstance(item_id, str) else None
        if type(at) is not int:
            at = known if known is not None else len(self._numbers)
        if isinstance(item_id, str) and known is None and len(self._numbers) < _MOST_ITEMS:
            self._numbers[item_id] = at
        return at

    def _place(self, event: Fields) -> _Place:
        """Return where a part of a message stands."""
        within = event.get("content_index")
        return (self._number(event), within if type(within) is int else 0)

    def _begin(self, place: _Place, part: Part, item: Fields) -> Iterator[Event]:
        if place in self._begun or len(self._begun) == _MOST_PARTS:
            return
        self._begun.add(place)
        self._told.add(place[0])
        self._open[place] = _Open(self._next, part, item)
        self._next += 1
        yield Opened(self._open[place].index, part)

    def _more(self, place: _Place, text: str, logprobs: Any = None) -> Iterator[Event]:
        opened = self._open.get(place)
        if opened and text:
            opened.texts.append(text)
            yield Delta(opened.index, text, logprobs)

    def _rest(self, place: _Place, whole: str) -> Iterator[Event]:
        """Give what of a whole text did not come in pieces."""
        opened = self._open[place]
        if whole and not opened.texts:
            yield from self._more(place, whole)

    def _close_texts(self, at: Any) -> Iterator[Event]:
        for place in [place for place in self._open if len(place) > 1 and place[0] == at]:
            yield from self._finish(place)

    def _finish(self, place: _Place, item: Fields | None = None) -> Iterator[Event]:
        opened = self._open.pop(place)
        part = _complete(opened, item or opened.item)
        self._parts.append(part)
        yield Closed(opened.index, part)

    def _whole(self, part: Part) -> Iterator[Event]:
        """Tell a part of which only the end came."""
        text = getattr(part, "arguments", None) if isinstance(part, ToolCall) else getattr(part, "text", None)
        name = "arguments" if isinstance(part, ToolCall) else "text"
        begun = msgspec.structs.replace(part, **{name: ""}) if isinstance(text, str) else part
        index, self._next = self._next, self._next + 1
        yield Opened(index, begun)
        if text:
            yield Delta(index, text)
        self._parts.append(part)
        yield Closed(index, part)


def _complete(opened: _Open, item: Fields) -> Part:
    """Return a part with all that came of it."""
    text, part = "".join(opened.texts), opened.part
    if isinstance(part, ToolCall):
        return call_of({**opened.item, **item}, text)
    if isinstance(part, Thinking):
        whole = thinking_of(item, text_of(item.get("encrypted_content")) or None)
        return msgspec.structs.replace(whole, text=text or whole.text, id=whole.id or part.id)
    if isinstance(part, Text):
        return Text(text=text, citations=tuple(opened.citations))
    return Refusal(text=text)


def _item(event: Fields) -> Fields:
    item = event.get("item")
    return item if isinstance(item, dict) else {}


_EVENTS: dict[str, Callable[[ResponsesReader, Fields, bytes], Iterator[Event]]] = {
    "response.created": ResponsesReader._created,
    "response.in_progress": ResponsesReader._created,
    "response.output_item.added": ResponsesReader._item_added,
    "response.content_part.added": ResponsesReader._part_added,
    "response.output_text.delta": ResponsesReader._text,
    "response.refusal.delta": ResponsesReader._refusal,
    "response.output_text.annotation.added": ResponsesReader._annotated,
    "response.content_part.done": ResponsesReader._part_done,
    "response.function_call_arguments.delta": ResponsesReader._arguments,
    "response.custom_tool_call_input.delta": ResponsesReader._arguments,
    "response.reasoning_summary_text.delta": ResponsesReader._thought,
    "response.reasoning_text.delta": ResponsesReader._thought,
    "response.reasoning_summary_part.added": ResponsesReader._next_summary,
    "response.output_item.done": ResponsesReader._item_done,
    "response.completed": ResponsesReader._completed,
    "response.incomplete": ResponsesReader._completed,
    "response.failed": ResponsesReader._error,
    "error": ResponsesReader._error,
}
