"""Cohere's Chat, read by a judge that knows nothing of the codec: the official SDK's types, and plain JSON."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any, get_type_hints

from cohere.v2.client import V2Client
from cohere.v2.types import V2ChatResponse
from pydantic import TypeAdapter

from gateway.translation.parts import Thinking
from gateway.translation.seals import wrapped
from tests.fakes.exchanges import FOLDER, Exchange, exchanges
from tests.translation.judging import Facts

Fields = dict[str, Any]

ASKED: Fields = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hello"}]}
ENDS = {"TOOL_CALL": "calls", "MAX_TOKENS": "length"}


@cache
def _members() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(V2Client.chat, include_extras=True)
    return {name: TypeAdapter(kind) for name, kind in hints.items() if name not in ("return", "request_options")}


def check_request(fields: Fields) -> None:
    """Raise for a request that the official SDK could not have sent: its types, strictly, and its bounds in words."""
    known = _members()
    for name, value in fields.items():
        if name != "stream":
            known[name].validate_python(value, strict=True, extra="forbid")
    assert fields["messages"], "no messages"
    assert fields.get("tool_choice") in (None, "REQUIRED", "NONE")
    assert len(fields.get("stop_sequences", ())) <= 5
    assert 0 <= fields.get("temperature", 0) <= 1
    assert 0.01 <= fields.get("p", 0.5) <= 0.99
    assert 0 <= fields.get("k", 0) <= 500
    assert not (fields.get("response_format") and (fields.get("tools") or fields.get("documents")))
    calls = [call["id"] for message in fields["messages"] for call in message.get("tool_calls", ())]
    results = [message["tool_call_id"] for message in fields["messages"] if message["role"] == "tool"]
    assert sorted(results) == sorted(calls)


def check_answer(fields: Fields) -> None:
    """Raise for a whole answer that the official SDK does not know."""
    TypeAdapter(V2ChatResponse).validate_python(fields, strict=True)


@cache
def recorded() -> list[Exchange]:
    """Return every exchange with a good answer; those without their requests ask a plain question."""
    return [*exchanges("/v2/chat"), *_answers()]


def _answers() -> Iterator[Exchange]:
    for file in sorted((FOLDER / "vercel-ai" / "cohere").glob("cohere-*")):
        answer = file.read_bytes()
        if file.suffix == ".txt":
            lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
            answer = b"".join(event(each) for each in lines) + b"data: [DONE]\n\n"
        if b'"embeddings"' not in answer:
            yield Exchange(file.name, ASKED, 200, answer, "/v2/chat")


def event(content: Fields) -> bytes:
    """Return an event as Cohere writes it."""
    return f"event: {content['type']}\ndata: {json.dumps(content)}\n\n".encode()


def events(exchange: Exchange) -> list[Fields]:
    lines = exchange.answer.split(b"\n")
    return [json.loads(line[5:]) for line in lines if line.startswith(b"data:") and b"[DONE]" not in line]


def joined(exchange: Exchange) -> Fields:
    """Return an exchange's answer as a whole one."""
    if not exchange.is_stream:
        return exchange.json
    message: Fields = {"content": {}, "tool_plan": "", "tool_calls": {}, "citations": []}
    whole: Fields = {"message": message}
    for each in events(exchange):
        delta = each.get("delta", {})
        found = delta.get("message", {})
        if each["type"] in ("content-start", "content-delta"):
            block = message["content"].setdefault(each["index"], {"text": "", "thinking": ""})
            for name in ("text", "thinking"):
                block[name] += found["content"].get(name, "")
        elif each["type"] == "tool-plan-delta":
            message["tool_plan"] += found["tool_plan"]
        elif each["type"] == "tool-call-start":
            message["tool_calls"][each["index"]] = found["tool_calls"]
        elif each["type"] == "tool-call-delta":
            message["tool_calls"][each["index"]]["function"]["arguments"] += found["tool_calls"]["function"][
                "arguments"
            ]
        elif each["type"] == "citation-start":
            message["citations"].append(found["citations"])
        elif each["type"] == "message-end":
            whole |= delta
    message |= {name: list(message[name].values()) for name in ("content", "tool_calls")}
    return whole


def facts(exchange: Exchange) -> Facts:
    """Return what a recording says."""
    whole = joined(exchange)
    message, tokens = whole["message"], whole["usage"].get("tokens") or {}
    content = message.get("content") or ()
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return Facts(
        "".join(block.get("text", "") for block in content),
        "".join(block.get("thinking", "") for block in content) + (message.get("tool_plan") or ""),
        [(call["name"], json.loads(call["arguments"] or "{}") or {}) for call in calls],
        ENDS.get(whole["finish_reason"], "end"),
        tokens.get("input_tokens") or 0,
        tokens.get("output_tokens") or 0,
        min(whole["usage"].get("cached_tokens") or 0, tokens.get("input_tokens") or 0),
    )


def citations(exchange: Exchange) -> list[tuple[int, int, str]]:
    """Return where in the text something is cited, and which words."""
    found = joined(exchange)["message"].get("citations") or ()
    return [(each["start"], each["end"], each["text"]) for each in found for _ in each["sources"]]


def is_broken(exchange: Exchange) -> bool:
    return joined(exchange)["finish_reason"] in ("ERROR", "TIMEOUT")


def as_chat(request: Fields) -> Fields:
    """Return a recorded request as a client of Chat Completions asks it."""
    fields: Fields = {"model": request["model"], "messages": [_message(each) for each in request["messages"]]}
    for name in ("tools", "temperature", "max_tokens", "seed", "documents"):
        if name in request:
            fields[name] = request[name]
    if "tool_choice" in request:
        fields["tool_choice"] = request["tool_choice"].lower()
    if form := request.get("response_format"):
        schema = form.get("schema") or form.get("json_schema")
        fields["response_format"] = {"type": "json_object"}
        if schema:
            fields["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return fields


def _message(message: Fields) -> Fields:
    if message["role"] == "tool":
        return {**message, "content": result_text(message["content"])}
    if message["role"] != "assistant":
        return message
    fields = {name: value for name, value in message.items() if name not in ("tool_plan", "content")}
    content, plan = message.get("content"), message.get("tool_plan")
    if plan:
        sign = wrapped(Thinking(seal="tool_plan", origin="cohere"))
        fields["reasoning_details"] = [{"type": "reasoning.text", "text": plan, "signature": sign}]
    if isinstance(content, list):
        fields["reasoning_content"] = "".join(block.get("thinking", "") for block in content)
        content = "".join(block.get("text", "") for block in content)
    return {**fields, "content": content}


def result_text(content: Any) -> str:
    """Return the result of a tool as a text."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or json.dumps(block["document"]["data"]) for block in content)


def normal(request: Fields, *, plan: bool) -> Fields:
    """Return a request in the form that both sides have: documents of results are texts, defaults are left out."""
    defaults = [("stream", False), *([] if plan else [("max_tokens", 8192)])]
    fields = {name: value for name, value in request.items() if (name, value) not in defaults}
    fields["messages"] = [_normal(each, plan) for each in deepcopy(request["messages"])]
    if schema := request.get("response_format", {}).get("schema"):
        fields["response_format"] = {"type": "json_object", "json_schema": schema}
    return fields


def _normal(message: Fields, plan: bool) -> Fields:
    found = {name: value for name, value in message.items() if value not in (None, "")}
    if not plan:
        found.pop("tool_plan", None)
    if found["role"] == "tool":
        found["content"] = result_text(found["content"])
    for call in found.get("tool_calls", ()):
        call["function"]["arguments"] = json.dumps(json.loads(call["function"]["arguments"]))
    return found
