"""Programs that hold a conversation on one wire each, as careless as real ones: what they do not know they drop.

Each checks what it gets against the official SDK's types.
"""

import json
from typing import Any

import anthropic.types
import httpx2
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from tests.fixtures.gateway import InProcess

Fields = dict[str, Any]

_response_event = TypeAdapter(ResponseStreamEvent).validate_python
_message_event = TypeAdapter(anthropic.types.RawMessageStreamEvent).validate_python

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
SYSTEM = "You work on files."


def payloads(stream: bytes) -> list[bytes]:
    frames = SERVER_SENT_EVENTS.reader()
    return [payload for frame in (*frames.feed(stream), *frames.end()) if (payload := fields_of(frame)[1])]


class Client:
    """A conversation. `calls` are those of the last answer: id, name, arguments. `said` and `thought` are texts."""

    path: str

    def __init__(self, gateway: InProcess, model: str, *, stream: bool, **more: Any) -> None:
        self.gateway, self.model, self.stream, self.more = gateway, model, stream, more
        self.calls: list[tuple[str, str, str]] = []
        self.said = self.thought = ""
        self.end = ""
        self.usage: Fields = {}
        self.answer: httpx2.Response

    def ask(self) -> None:
        self.said = self.thought = ""
        self.calls = []
        body = {"model": self.model, "stream": self.stream, **self.body(), **self.more}
        self.answer = self.gateway.post(self.path, json=body)
        assert self.answer.status_code == 200, self.answer.text
        (self.take_stream if self.stream else self.take_whole)()

    def body(self) -> Fields:
        raise NotImplementedError

    def user(self, text: str) -> None:
        raise NotImplementedError

    def give(self, *results: str) -> None:
        """Answer the last calls in their order."""
        raise NotImplementedError

    def take_whole(self) -> None:
        raise NotImplementedError

    def take_stream(self) -> None:
        raise NotImplementedError


class ChatClient(Client):
    """Sends back what was said and called, never what was thought."""

    path = "/v1/chat/completions"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.messages: list[Fields] = [{"role": "system", "content": SYSTEM}]

    def body(self) -> Fields:
        function = {"name": "read", "description": "Read a file", "parameters": SCHEMA}
        options = {"stream_options": {"include_usage": True}} if self.stream else {}
        return {"messages": self.messages, "tools": [{"type": "function", "function": function}], **options}

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def give(self, *results: str) -> None:
        for (call, _, _), text in zip(self.calls, results, strict=True):
            self.messages.append({"role": "tool", "tool_call_id": call, "content": text})

    def take_whole(self) -> None:
        found = ChatCompletion.model_validate_json(self.answer.content)
        message = found.choices[0].message
        thought = getattr(message, "reasoning_content", "") or ""
        made = [call for call in message.tool_calls or () if call.type == "function"]
        calls = [(call.id, call.function.name, call.function.arguments) for call in made]
        self._took(message.content or "", thought, calls)
        self.end = found.choices[0].finish_reason
        self.usage = json.loads(self.answer.content)["usage"]

    def take_stream(self) -> None:
        said, thought, calls = "", "", dict[int, list[str]]()
        *chunks, last = payloads(self.answer.content)
        assert last == b"[DONE]"
        for chunk in map(json.loads, chunks):
            ChatCompletionChunk.model_validate(chunk)
            self.usage = chunk.get("usage") or self.usage
            for choice in chunk["choices"]:
                delta = choice["delta"]
                said += delta.get("content") or ""
                thought += delta.get("reasoning_content") or ""
                for call in delta.get("tool_calls") or ():
                    known = calls.setdefault(call["index"], ["", "", ""])
                    known[0] = call.get("id") or known[0]
                    known[1] = call["function"].get("name") or known[1]
                    known[2] += call["function"].get("arguments") or ""
                self.end = choice["finish_reason"] or self.end
        self._took(said, thought, [(each[0], each[1], each[2]) for each in calls.values()])

    def _took(self, said: str, thought: str, calls: list[tuple[str, str, str]]) -> None:
        self.said, self.thought, self.calls = said, thought, calls
        message: Fields = {"role": "assistant", "content": said or None}
        if calls:
            message["tool_calls"] = [
                {"id": i, "type": "function", "function": {"name": name, "arguments": a}} for i, name, a in calls
            ]
        self.messages.append(message)


class ResponsesClient(Client):
    """Keeps nothing at the server and sends every item back, as Codex does."""

    path = "/v1/responses"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.items: list[Fields] = []
        self.last: Fields = {}

    def body(self) -> Fields:
        tools = [{"type": "function", "name": "read", "description": "Read a file", "parameters": SCHEMA}]
        kept = {"store": False, "include": ["reasoning.encrypted_content"]}
        return {"instructions": SYSTEM, "input": self.items, "tools": tools, **kept}

    def user(self, text: str) -> None:
        self.items.append({"role": "user", "content": [{"type": "input_text", "text": text}]})

    def give(self, *results: str) -> None:
        for (call, _, _), text in zip(self.calls, results, strict=True):
            self.items.append({"type": "function_call_output", "call_id": call, "output": text})

    def take_whole(self) -> None:
        self._took(self.answer.json())

    def take_stream(self) -> None:
        events = [json.loads(payload) for payload in payloads(self.answer.content)]
        assert [each["sequence_number"] for each in events] == list(range(len(events)))
        for event in events:
            _response_event(event)
        self._took(events[-1]["response"])
        deltas = "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta")
        assert deltas == self.said
        done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
        assert sorted(map(str, done)) == sorted(map(str, self.last["output"]))

    def _took(self, response: Fields) -> None:
        Response.model_validate(response)
        self.last = response
        for item in response["output"]:
            if item["type"] == "message":
                self.said += "".join(part["text"] for part in item["content"])
            elif item["type"] == "reasoning":
                self.thought += "".join(part["text"] for part in item["summary"])
            elif item["type"] == "function_call":
                self.calls.append((item["call_id"], item["name"], item["arguments"]))
        self.items += response["output"]
        self.end, self.usage = response["status"], response["usage"]


class ContinuingClient(ResponsesClient):
    """Sends only what is new, and the id of the last answer."""

    def body(self) -> Fields:
        body = {name: value for name, value in super().body().items() if name not in ("store", "include")}
        return body | ({"previous_response_id": self.last["id"]} if self.last else {})

    def ask(self) -> None:
        super().ask()
        self.items.clear()


class MessagesClient(Client):
    """Sends every block back, as Claude Code does."""

    path = "/v1/messages"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.messages: list[Fields] = []

    def body(self) -> Fields:
        tools = [{"name": "read", "description": "Read a file", "input_schema": SCHEMA}]
        return {"max_tokens": 1000, "system": SYSTEM, "messages": self.messages, "tools": tools}

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def give(self, *results: str) -> None:
        self.messages.append(
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": call, "content": text}
                    for (call, _, _), text in zip(self.calls, results, strict=True)
                ],
            }
        )

    def take_whole(self) -> None:
        self._took(self.answer.json())

    def take_stream(self) -> None:
        events = [each for payload in payloads(self.answer.content) if (each := json.loads(payload))["type"] != "ping"]
        for event in events:
            _message_event(event)
        message: Fields = {}
        texts: dict[int, str] = {}
        for event in events:
            if event["type"] == "message_start":
                message = event["message"]
            elif event["type"] == "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
            elif event["type"] == "content_block_delta":
                self._delta(message["content"][event["index"]], event["delta"], event["index"], texts)
            elif event["type"] == "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
        assert events[-1]["type"] == "message_stop"
        for index, text in texts.items():
            message["content"][index]["input"] = json.loads(text or "{}")
        self._took(message)

    def _delta(self, block: Fields, delta: Fields, index: int, texts: dict[int, str]) -> None:
        if delta["type"] == "input_json_delta":
            texts[index] = texts.get(index, "") + delta["partial_json"]
            return
        name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}[delta["type"]]
        block[name] += delta[name]

    def _took(self, message: Fields) -> None:
        anthropic.types.Message.model_validate(message)
        for block in message["content"]:
            self.said += block.get("text", "")
            self.thought += block.get("thinking", "")
            if block["type"] == "tool_use":
                self.calls.append((block["id"], block["name"], json.dumps(block["input"])))
        self.messages.append({"role": "assistant", "content": message["content"]})
        self.end, self.usage = message["stop_reason"], message["usage"]
