"""The answer, as chunks and events of Open WebUI."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from plugins.agents.marks import Marks
from plugins.agents.pieces import LONGEST_PASSAGE, MOST_SHOWN, Piece
from plugins.agents.tool_calls import Call, call_item, item_line
from plugins.shared.types import Json

Shown = Iterator[tuple[str, Json]]


@dataclass
class Answer:
    """Turn pieces into ("chunk", a delta), ("line", a line of the stream) and (an event's type, its data)."""

    in_chat: bool
    usage: Json = field(default_factory=dict)
    made: list[Call] = field(default_factory=list)
    calls: dict[str | int, Call] = field(default_factory=dict)
    """By the agent's own id, and the latest by its index."""
    known: set[tuple[str, str]] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    spoke: bool = False

    def take(self, piece: Piece) -> Shown:
        for kind, value in getattr(self, f"take_{piece.kind}")(piece.value):
            if self.in_chat or kind == "chunk" or "error" in value:
                yield kind, value

    def rest(self) -> Iterator[Json]:
        if self.in_chat:
            yield from (line for _, line in self.close_calls())
        if self.usage:
            yield {"choices": [], "usage": self.usage}

    def tail(self) -> Shown:
        if text := self.marks.flush():
            yield "chunk", {"content": text}

    def take_text(self, text: str) -> Shown:
        yield from self.close_calls()
        self.spoke = True
        if text := self.marks.feed(text):
            yield "chunk", {"content": text}

    def take_last_text(self, text: str) -> Shown:
        if not self.spoke:
            yield from self.take_text(text)

    def take_thinking(self, text: str) -> Shown:
        yield "chunk", {"reasoning_content": text}

    def take_usage(self, usage: Json) -> Shown:
        self.usage = usage
        yield from ()

    def take_trouble(self, sentence: str) -> Shown:
        yield from self.tail()
        yield from self.close_calls()
        yield "line", {"error": {"message": sentence}}

    def take_files(self, data: Json) -> Shown:
        """Put a picture that came as data into the stream, from where Open WebUI stores it as a file."""
        [file] = data["files"]
        if self.room("files") and file["url"].startswith("data:"):
            yield "chunk", {"images": [{"type": "image_url", "image_url": {"url": file["url"]}}]}
        elif self.shown["files"] <= MOST_SHOWN["files"]:
            yield "files", data

    def take_embeds(self, data: Json) -> Shown:
        """Send all pages each time: Open WebUI would stack them up."""
        if self.room("embeds"):
            self.pages = ([] if data["replace"] else self.pages) + data["embeds"]
            yield "embeds", {"embeds": self.pages[-10:], "replace": True}

    def take_source(self, data: Json) -> Shown:
        """Cite a source once: agents repeat theirs with each chunk, and an address beside a document that has it."""
        name, url, passage = data["source"]["name"], data["source"].get("url", ""), data["document"][0]
        key = url or name
        if (key, passage) in self.known or ((key, "") in self.known and passage == name) or not self.room("source"):
            return
        self.known |= {(key, passage), (key, "")}
        if self.in_chat:
            yield "source", data
        elif url:
            about = {"url": url, "title": name, "start_index": 0, "end_index": 0}
            yield "chunk", {"annotations": [{"type": "url_citation", "url_citation": about}]}

    def take_tool(self, bit: Json) -> Shown:
        call = self.calls.get(bit["id"]) if bit["id"] else self.calls.get(bit["index"], self.latest())
        another = call and not bit["id"] and bit["name"] and (call.name != bit["name"] or call.result is not None)
        if call is None or another:
            if not bit["name"] or not self.room("tool"):
                return
            call = Call(bit["name"])
            self.made.append(call)
            yield "line", item_line(call_item(call, "in_progress"))
        self.calls |= {key: call for key in (bit["id"], bit["index"]) if key not in ("", None)}
        call.arguments = (("" if bit["whole"] else call.arguments) + bit["arguments"])[:LONGEST_PASSAGE]

    def take_result(self, result: Json) -> Shown:
        call = self.calls.get(result["id"]) if isinstance(result["id"], str) else self.latest()
        if call and (call.result is None or result["text"] != call.result):
            call.result = result["text"]
            yield from self.ended(call)

    def close_calls(self) -> Shown:
        for call in self.made:
            if call.result is None:
                call.result = ""
                yield from self.ended(call)

    def latest(self) -> Call | None:
        return self.made[-1] if self.made else None

    def ended(self, call: Call) -> Shown:
        yield "line", item_line(call_item(call, "completed"))
        output = {"type": "function_call_output", "id": f"{call.id}_result", "call_id": call.id}
        yield (
            "line",
            item_line({**output, "status": "completed", "output": [{"type": "input_text", "text": call.result}]}),
        )

    def room(self, kind: str) -> bool:
        self.shown[kind] = self.shown.get(kind, 0) + 1
        return self.shown[kind] <= MOST_SHOWN[kind]
