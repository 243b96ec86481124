"""How much goes in."""

import asyncio
import fnmatch
import json
import re
from typing import Any

from plugins.full_text.documents import Document, Room
from plugins.full_text.messages import message_text
from plugins.shared.groups import groups_of
from plugins.shared.log import log
from plugins.shared.tokens import count_tokens
from plugins.shared.window import base_model

PROMPT_AROUND_FILES = 600  # tokens of Open WebUI's own instructions around the sources
TOOLS = 4500  # tokens of the descriptions of its tools, which only `request` sees, until one turn has shown them
REMEMBER_MODELS = 500


def parsed_caps(lines: str) -> dict[str, int]:
    """Parse lines like "Sales: 50,000"; others are skipped and logged. A cap of 0 is no cap."""
    found = {}
    for line in lines.splitlines():
        name, _, number = line.strip().replace("：", ":").rpartition(":")
        digits = re.sub(r"[,_\s]", "", number)
        if name.strip() and digits.isdecimal():
            found[name.strip()] = int(digits)
        elif line.strip():
            log.warning("full_text: a cap is written as “name: tokens”, not %r", line[:80])
    return found


async def caps(valves: Any, user_id: str, base_id: str, model: dict[str, Any]) -> list[int]:
    general = valves.max_tokens
    if by_group := parsed_caps(valves.group_caps):
        names = (await groups_of(user_id)).values()
        general = max((by_group[name] for name in names if name in by_group), default=general)
    ids = {base_id, str(model.get("id") or "")}
    by_model = [
        cap
        for pattern, cap in parsed_caps(valves.model_caps).items()
        if any(fnmatch.fnmatchcase(id, pattern) for id in ids)
    ]
    return [cap for cap in (general, *by_model) if cap > 0]


async def left_by_the_conversation(tokens: int, body: dict[str, Any], usual_answer: int) -> int:
    conversation = "\n".join(message_text(one) for one in body.get("messages") or [] if isinstance(one, dict))
    answer = body.get("max_tokens") or body.get("max_completion_tokens") or usual_answer
    return max(0, tokens - PROMPT_AROUND_FILES - int(answer) - await asyncio.to_thread(count_tokens, conversation))


async def room_for_files(
    room: Room, valves: Any, own: Any, user_id: str, model: dict[str, Any], body: dict[str, Any], tools: int
) -> Room:
    """Return the least of what administrator, person and window allow. Mode "whole" does not ask the window."""
    limits = [(limit, "over_limit") for limit in await caps(valves, user_id, base_model(model), model)]
    if own.max_tokens:
        limits.append((own.max_tokens, "over_limit"))
    if room.window and own.mode == "if_it_fits":
        limits.append((await left_by_the_conversation(room.window - tools, body, room.window // 8), "too_large"))
    if not limits:
        return room
    tokens, reason = min(limits)
    return Room(tokens, reason, room.window)


def tools_of(request: Any, model: dict[str, Any], metadata: dict[str, Any]) -> int:
    """Return the tokens of the tools' descriptions in this model's last turn; a usual number before the first."""
    native = metadata.get("session_id") and (metadata.get("params") or {}).get("function_calling") != "legacy"
    known: dict[str, int] = getattr(request.app.state, "sekisho_tools", {})
    return known.get(base_model(model), TOOLS if native else 0)


async def remember_tools(request: Any, model: dict[str, Any], body: dict[str, Any]) -> None:
    known: dict[str, int] = getattr(request.app.state, "sekisho_tools", {})
    described = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
    if len(known) >= REMEMBER_MODELS:
        known.clear()
    known[base_model(model)] = await asyncio.to_thread(count_tokens, described)
    request.app.state.sekisho_tools = known


def keep_within(room: Room, documents: list[Document]) -> None:
    """Mark the files that do not fit, the largest first."""
    whole = [document for document in documents if not document.reason]
    total = sum(document.tokens for document in whole if document.switched_by_user)
    for document in sorted(whole, key=lambda document: document.tokens):
        if document.switched_by_user:
            continue
        if room.tokens is not None and total + document.tokens > room.tokens:
            document.reason = room.reason
        else:
            total += document.tokens


def whole_item(item: dict[str, Any], document: Document) -> dict[str, Any]:
    if document.is_inline:
        return item
    if not document.text:
        return {**item, "context": "full"}
    file = item.get("file") or {}
    return {**item, "context": "full", "file": {**file, "data": {**(file.get("data") or {}), "content": document.text}}}


def with_full_context(files: list[Any], documents: list[Document]) -> list[Any]:
    """Return copies: the models of a multi-model turn share the list and its items."""
    whole = {id(document.item): document for document in documents if not document.reason}
    return [whole_item(item, whole[id(item)]) if id(item) in whole else item for item in files]
