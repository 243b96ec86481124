"""A stream for a client of Responses: typed events, numbered. Source: the same page as of `stream_reader`."""

from collections.abc import Callable
from typing import Any

from gateway import wire
from gateway.translation.answer import Answer, Cited, Closed, Delta, Ended, Event, Opened, Started
from gateway.translation.parts import Part, Refusal, Text, Thinking, ToolCall
from gateway.translation.responses import answer_writer
from gateway.translation.responses.part_writer import annotation_of

Fields = dict[str, Any]

_TEXT, _REFUSAL = "response.output_text", "response.refusal"
_ARGUMENTS, _INPUT = "response.function_call_arguments", "response.custom_tool_call_input"
_SUMMARY = "response.reasoning_summary_text"


class _Message:
    """The item of what the model says, as long as texts follow each other."""

    __slots__ = ("at", "ended", "item", "open")

    def __init__(self, at: int, item: Fields) -> None:
        self.at, self.item = at, item
        self.open = 0
        """Number of its texts that are not complete."""
        self.ended = False
        """Nothing is added to it any more."""


class _Open:
    """A part that has begun: its item, and the members by which its events say where it stands."""

    __slots__ = ("at", "events", "head", "item", "message", "summary")

    def __init__(self, at: int, item: Fields, events: str, head: Fields, message: _Message | None = None) -> None:
        self.at, self.item, self.events, self.message = at, item, events, message
        self.head = {"type": f"{events}.delta", "item_id": item["id"], "output_index": at, **head}
        self.summary = False
        """Its summary has begun."""


class ResponsesWriter:
    """Writes one stream."""

    def __init__(self, model: str, request: Fields) -> None:
        self.events = 0
        self._model, self._request = model, request
        self._spaces = answer_writer.namespaces(request)
        self._started = Started("", model)
        self._open: dict[int, _Open] = {}
        self._message: _Message | None = None
        self._output: list[Fields] = []

    def write(self, event: Event) -> bytes:
        write = _WRITERS.get(type(event))
        return write(self, event) if write else b""

    def _event(self, kind: str, content: Fields) -> bytes:
        fields = {**content, "type": kind, "sequence_number": self.events}
        self.events += 1
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), wire.encode(fields))

    def _start(self, event: Started) -> bytes:
        self._started = event
        response = {"response": answer_writer.begun(event.id, self._model, event.created, self._request)}
        return self._event("response.created", response) + self._event("response.in_progress", response)

    def _delta(self, event: Delta) -> bytes:
        opened = self._open.get(event.index)
        if opened is None or not event.text:
            return b""
        block = b"" if opened.summary or opened.events != _SUMMARY else self._begin_summary(opened)
        fields = {**opened.head, "delta": event.text}
        if opened.events == _TEXT:
            fields["logprobs"] = event.logprobs or []
        return block + self._event(opened.head["type"], fields)

    def _begin(self, event: Opened) -> bytes:
        part = answer_writer.spoken(event.part)
        if isinstance(part, Text | Refusal):
            return self._begin_content(event.index, part)
        at = len(self._output)
        item = answer_writer.item_of(part, self._started.id, at, self._spaces)
        if item is None:
            return b""
        block = self._end_message()
        self._output.append(item)
        head: Fields = {"summary_index": 0} if isinstance(part, Thinking) else {}
        self._open[event.index] = _Open(at, item, _events_of(part), head)
        return block + self._event("response.output_item.added", {"output_index": at, "item": _unfinished(item)})

    def _begin_content(self, index: int, part: Text | Refusal) -> bytes:
        block = b""
        if self._message is None:
            at = len(self._output)
            item = answer_writer.message_of([], answer_writer.item_id("msg", self._started.id, at), "in_progress")
            self._output.append(item)
            self._message = _Message(at, item)
            block = self._event("response.output_item.added", {"output_index": at, "item": item})
        message = self._message
        content = answer_writer.content_of(part) or {}
        head = {"content_index": len(message.item["content"])}
        message.item["content"].append(content)
        message.open += 1
        self._open[index] = opened = _Open(message.at, message.item, _events_of(part), head, message)
        return block + self._event("response.content_part.added", {**opened.head, "part": content})

    def _begin_summary(self, opened: _Open) -> bytes:
        opened.summary = True
        return self._event(
            "response.reasoning_summary_part.added", {**opened.head, "part": {"type": "summary_text", "text": ""}}
        )

    def _cite(self, event: Cited) -> bytes:
        opened, annotation = self._open.get(event.index), annotation_of(event.citation)
        if opened is None or annotation is None or opened.events != _TEXT:
            return b""
        annotations = opened.item["content"][opened.head["content_index"]]["annotations"]
        annotations.append(annotation)
        fields = {**opened.head, "annotation_index": len(annotations) - 1, "annotation": annotation}
        return self._event("response.output_text.annotation.added", fields)

    def _close(self, event: Closed) -> bytes:
        opened, part = self._open.pop(event.index, None), answer_writer.spoken(event.part)
        if opened is None:
            return b""
        if isinstance(part, Text | Refusal):
            return self._close_content(opened, part)
        item = answer_writer.item_of(part, self._started.id, opened.at, self._spaces)
        opened.item.update({**(item or {}), "id": opened.item["id"]})
        done = {"output_index": opened.at, "item": opened.item}
        return self._close_text(opened, part) + self._event("response.output_item.done", done)

    def _close_text(self, opened: _Open, part: Part) -> bytes:
        """End a call's arguments, or the summary of a reasoning that has one."""
        if isinstance(part, ToolCall):
            name = "input" if part.custom else "arguments"
            return self._event(f"{opened.events}.done", {**opened.head, name: opened.item[name], "name": part.name})
        if not opened.summary or not isinstance(part, Thinking):
            return b""
        ended = self._event(f"{_SUMMARY}.done", {**opened.head, "text": part.text})
        whole = {"type": "summary_text", "text": part.text}
        return ended + self._event("response.reasoning_summary_part.done", {**opened.head, "part": whole})

    def _close_content(self, opened: _Open, part: Text | Refusal) -> bytes:
        content = answer_writer.content_of(part) or {}
        opened.item["content"][opened.head["content_index"]] = content
        whole: Fields = {name: content[name] for name in ("text", "logprobs", "refusal") if name in content}
        block = self._event(f"{opened.events}.done", {**opened.head, **whole})
        block += self._event("response.content_part.done", {**opened.head, "part": content})
        message = opened.message
        if message:
            message.open -= 1
            if message.ended and not message.open:
                block += self._message_done(message)
        return block

    def _end_message(self) -> bytes:
        """End the message to which texts were added; one with an open text ends with that."""
        message, self._message = self._message, None
        if message is None:
            return b""
        message.ended = True
        return b"" if message.open else self._message_done(message)

    def _message_done(self, message: _Message) -> bytes:
        message.item["status"] = "completed"
        return self._event("response.output_item.done", {"output_index": message.at, "item": message.item})

    def _end(self, event: Ended) -> bytes:
        block, started = self._end_message(), self._started
        tier = event.service_tier or started.service_tier
        answer = Answer(
            id=started.id,
            model=self._model,
            parts=(),
            end=event.end,
            usage=event.usage,
            created=started.created,
            service_tier=tier,
        )
        response = answer_writer.response_of(answer, self._request, self._output)
        return block + self._event(f"response.{response['status']}", {"response": response})


def _events_of(part: Part) -> str:
    """Return how the events of a part's text begin."""
    if isinstance(part, ToolCall):
        return _INPUT if part.custom else _ARGUMENTS
    return _NAMES.get(type(part), "response.image_generation_call")


_NAMES: dict[type, str] = {Text: _TEXT, Refusal: _REFUSAL, Thinking: _SUMMARY}


def _unfinished(item: Fields) -> Fields:
    """Return an item as it begins: without what is to follow."""
    empty: Fields = {"arguments": "", "input": "", "summary": [], "status": "in_progress"}
    begun = {name: empty.get(name, found) for name, found in item.items()}
    begun.pop("encrypted_content", None)
    return begun


_WRITERS: dict[type, Callable[[ResponsesWriter, Any], bytes]] = {
    Started: ResponsesWriter._start,
    Opened: ResponsesWriter._begin,
    Delta: ResponsesWriter._delta,
    Cited: ResponsesWriter._cite,
    Closed: ResponsesWriter._close,
    Ended: ResponsesWriter._end,
}
