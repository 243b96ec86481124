"""Bedrock's Converse, read by a judge that knows nothing of the codec: botocore's service model and its reader."""

import base64
import json
from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from itertools import pairwise
from struct import pack
from typing import Any
from zlib import crc32

from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape
from botocore.validate import ParamValidator

from tests.translation.judging import Facts

Fields = dict[str, Any]

ENDS = {
    "tool_use": "calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "filtered",
    "content_filtered": "filtered",
}


@cache
def service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def check_request(fields: Fields, operation: str = "Converse") -> None:
    """Raise `AssertionError` for a request that the service model does not know or allow, enums and bounds too."""
    shape = service().operation_model(operation).input_shape
    sent = _with_bytes(shape, {**deepcopy(fields), "modelId": "m"})
    problems = ParamValidator().validate(sent, shape)
    assert not problems.has_errors(), problems.generate_report()
    _check_values(shape, sent, "")
    _check_order(fields)


def _check_order(fields: Fields) -> None:
    """Check what the service says of messages in words, not in its model."""
    roles = [message["role"] for message in fields["messages"]]
    assert roles[0] == "user"
    assert all(one != other for one, other in pairwise(roles))
    blocks = [block for message in fields["messages"] for block in message["content"]]
    assert all(block["text"].strip() for block in blocks if "text" in block)
    names = [block["document"]["name"] for block in blocks if "document" in block]
    assert len(set(names)) == len(names)
    if any("toolUse" in block or "toolResult" in block for block in blocks):
        assert fields["toolConfig"]["tools"]
    points = [each for place in (fields.get("toolConfig", {}).get("tools", []), fields.get("system", []), blocks) for each in place]  # fmt: skip  # noqa: E501
    assert sum("cachePoint" in each for each in points) <= 4
    for message in fields["messages"]:
        kinds = ["toolResult" in block for block in message["content"] if "cachePoint" not in block]
        assert kinds == sorted(kinds, reverse=True)
        assert "cachePoint" not in message["content"][0]
        present = {next(iter(block)) for block in message["content"]}
        assert "document" not in present or "text" in present


def _with_bytes(shape: Any, value: Any) -> Any:
    """Return JSON as botocore takes it: bytes where the wire has base64. Raises where it is none."""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        return {name: _with_bytes(shape.members[name], each) if name in shape.members else each for name, each in value.items()}  # fmt: skip  # noqa: E501
    if shape.type_name == "list":
        return [_with_bytes(shape.member, each) for each in value]
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def _check_values(shape: Any, value: Any, at: str) -> None:
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        assert not shape.metadata.get("union") or len(value) == 1, at
        for name, each in value.items():
            assert name in shape.members, f"{at}.{name}"
            _check_values(shape.members[name], each, f"{at}.{name}")
    elif shape.type_name == "list":
        for each in value:
            _check_values(shape.member, each, f"{at}[]")
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum, f"{at}: {value}"
    elif shape.type_name in ("float", "integer"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        assert low is None or value >= low, f"{at}: {value}"
        assert high is None or value <= high, f"{at}: {value}"


def frames(stream: bytes) -> list[tuple[str, Fields]]:
    """Return the names and contents of a recorded stream's events."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [(frame.headers[":event-type"], json.loads(frame.payload)) for frame in buffer]


def encoded(events: Iterable[tuple[str, Fields]], kind: str = "event") -> bytes:
    """Return the bytes of a stream with these events."""
    return b"".join(frame(kind, name, json.dumps(content).encode()) for name, content in events)


def frame(kind: str, name: str, payload: bytes) -> bytes:
    """Return one frame, written after the specification."""
    named = ":exception-type" if kind == "exception" else ":event-type"
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + pack(">H", len(value)) + value.encode()
        for key, value in ((named, name), (":content-type", "application/json"), (":message-type", kind))
    )
    prelude = pack(">II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + pack(">I", crc32(prelude)) + headers + payload
    return whole + pack(">I", crc32(whole))


def facts_of_whole(answer: Fields) -> Facts:
    return _facts(answer["output"]["message"]["content"], answer["stopReason"], answer["usage"])


def facts_of_stream(events: Iterable[tuple[str, Fields]]) -> Facts:
    content: dict[int, Fields] = {}
    stop, usage = "", {}
    for name, event in events:
        if name == "contentBlockStart":
            if call := event["start"].get("toolUse"):
                content[event["contentBlockIndex"]] = {"toolUse": {**call, "input": ""}}
        elif name == "contentBlockDelta":
            _join(content.setdefault(event["contentBlockIndex"], {}), event["delta"])
        elif name == "messageStop":
            stop = event["stopReason"]
        elif name == "metadata":
            usage = event["usage"]
    for block in content.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return _facts([content[at] for at in sorted(content)], stop, usage)


def _join(block: Fields, delta: Fields) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "text" in delta.get("reasoningContent", {}):
        said = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        said["text"] += delta["reasoningContent"]["text"]


def _text(block: Fields) -> str:
    cited = block.get("citationsContent", {}).get("content", ())
    return str(block.get("text", "")) + "".join(each["text"] for each in cited)


def _facts(content: list[Fields], stop: str, usage: Fields) -> Facts:
    made = [block["toolUse"] for block in content if "toolUse" in block]
    calls = [call for call in made if call.get("type") != "server_tool_use"]
    read, written = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
    return Facts(
        "".join(_text(block) for block in content),
        "".join(block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "") for block in content),
        [(call["name"], call["input"]) for call in calls],
        ENDS.get(stop, "end"),
        (usage.get("inputTokens") or 0) + read + written,
        usage.get("outputTokens") or 0,
        read,
    )


def as_messages(request: Fields, model: str) -> Fields:
    """Return a recorded request in the form of Messages, from which each client's request is made."""
    fields: Fields = {"model": model, "max_tokens": 5000}
    fields["messages"] = [{"role": each["role"], "content": _blocks(each["content"])} for each in request["messages"]]
    if request.get("system"):
        fields["system"] = _blocks(request["system"])
    config = request.get("toolConfig") or {}
    specs = [each["toolSpec"] for each in config.get("tools", ()) if "toolSpec" in each]
    if specs:
        fields["tools"] = [_tool(spec) for spec in specs]
    inference = request.get("inferenceConfig") or {}
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop_sequences"}  # fmt: skip  # noqa: E501
    fields |= {ours: inference[theirs] for theirs, ours in names.items() if theirs in inference}
    own = request.get("additionalModelRequestFields") or {}
    fields |= {name: own[name] for name in ("thinking", "top_k", "output_config") if name in own}
    return fields


def _tool(spec: Fields) -> Fields:
    fields = {"name": spec["name"], "input_schema": spec["inputSchema"]["json"]}
    return fields | {name: spec[name] for name in ("description", "strict") if name in spec}


def _blocks(content: list[Fields]) -> list[Fields]:
    found: list[Fields] = []
    for block in content:
        if "cachePoint" in block:
            found[-1]["cache_control"] = {"type": "ephemeral"}
        elif block_ := _block(block):
            found.append(block_)
    return found


def _block(block: Fields) -> Fields | None:
    if "text" in block:
        return {"type": "text", "text": block["text"]} if block["text"] else None
    if "json" in block:
        return {"type": "text", "text": json.dumps(block["json"])}
    if "toolUse" in block:
        call = block["toolUse"]
        return {"type": "tool_use", "id": call["toolUseId"], "name": call["name"], "input": call["input"]}
    if "toolResult" in block:
        result = block["toolResult"]
        fields = {"type": "tool_result", "tool_use_id": result["toolUseId"], "content": _blocks(result["content"])}
        return fields | ({"is_error": True} if result.get("status") == "error" else {})
    if "image" in block and "bytes" in block["image"]["source"]:
        source = {"type": "base64", "media_type": f"image/{block['image']['format']}"}
        return {"type": "image", "source": {**source, "data": block["image"]["source"]["bytes"]}}
    if "document" in block:
        return _document(block["document"])
    return None


def _document(document: Fields) -> Fields | None:
    kept = {"citations": {"enabled": True}} if (document.get("citations") or {}).get("enabled") else {}
    source = document["source"]
    if "text" in source:
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": source["text"]}, **kept}  # fmt: skip  # noqa: E501
    kind = {"pdf": "application/pdf", "txt": "text/plain"}.get(document.get("format", ""))
    if kind is None or "bytes" not in source:
        return None
    return {"type": "document", "source": {"type": "base64", "media_type": kind, "data": source["bytes"]}, **kept}
