"""Reasoning in messages of Chat Completions, which OpenAI's own API does not have.

DeepSeek, vLLM and llama.cpp call it `reasoning_content`, Groq, vLLM's newer versions and OpenRouter `reasoning`;
OpenRouter's `reasoning_details` also carry signatures and encrypted reasoning (openrouter.ai/docs, Reasoning Tokens),
and Mistral has chunks of type `thinking` in the content (docs.mistral.ai, Reasoning).

The seal of a part that came as an entry of `reasoning_details` is that entry without its text, as JSON. Gemini's
compatible API signs tool calls, in `extra_content`: that is the seal of a part before the call.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.lenient import UNREADABLE
from gateway.translation import seals
from gateway.translation.chat.names import CHAT, chat_own
from gateway.translation.parts import Thinking
from gateway.wire import encode

MEMBERS = ("reasoning_content", "reasoning")
_SHOWN = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": ""}
"""Where an entry of `reasoning_details` has its text, by its type."""
_SEALS = ("signature", "data")
_SIGNED_CALL = '{"extra_content":'


def read_thinking(message: dict[str, Any], *, of_client: bool) -> list[Thinking]:
    """Return the reasoning in a client's or an upstream's message of the assistant."""
    member = next((name for name in MEMBERS if message.get(name) and isinstance(message[name], str)), None)
    details = message.get("reasoning_details")
    if isinstance(details, list):
        found = [_read_detail(each, member, of_client=of_client) for each in details if isinstance(each, dict)]
        if found:
            return found
    if member is None:
        return []
    own = {CHAT: {"member": member}}
    return [Thinking(text=message[member], origin=None if of_client else CHAT, own=own)]


def _read_detail(detail: dict[str, Any], member: str | None, *, of_client: bool) -> Thinking:
    """Return an entry of `reasoning_details`; `member` is where the message has its text once more."""
    if of_client:
        for name in _SEALS:
            if isinstance(found := detail.get(name), str) and (part := seals.unwrapped(found, detail_text(detail))):
                return part
    part = sealed(detail, detail_text(detail))
    return msgspec.structs.replace(part, own={CHAT: {"member": member}}) if member else part


def detail_text(detail: dict[str, Any]) -> str:
    """Return the text of an entry of `reasoning_details`, or of a piece of one."""
    found = detail.get(_shown(detail))
    return found if isinstance(found, str) else ""


def sealed(detail: dict[str, Any], text: str) -> Thinking:
    """Return the reasoning of an entry of `reasoning_details` whose whole text is `text`."""
    shown, marked = _shown(detail), detail.get("id")
    return Thinking(
        text=text,
        seal=encode({name: found for name, found in detail.items() if name != shown}).decode(),
        redacted=not text,
        origin=CHAT,
        id=marked if isinstance(marked, str) else None,
    )


def _shown(detail: dict[str, Any]) -> str:
    kind = detail.get("type")
    return _SHOWN.get(kind, "text") if isinstance(kind, str) else "text"


def read_chunk(chunk: dict[str, Any], *, of_client: bool) -> Thinking:
    """Return a chunk of Mistral's type `thinking`."""
    rest = {name: value for name, value in chunk.items() if name not in ("type", "thinking")}
    return Thinking(text=chunk_text(chunk), origin=None if of_client else CHAT, own={CHAT: {"chunk": rest}})


def chunk_text(chunk: dict[str, Any]) -> str:
    """Return the text of a chunk of Mistral's type `thinking`: a string or a list of texts."""
    found = chunk.get("thinking")
    pieces = (each.get("text") if isinstance(each, dict) else each for each in _listed(found))
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def write_chunk(thinking: Thinking) -> dict[str, Any]:
    """Return reasoning as Mistral's chunk."""
    text = {"type": "text", "text": thinking.text}
    return {"type": "thinking", "thinking": [text], **chat_own(thinking.own).get("chunk", {})}


def write_detail(thinking: Thinking, index: int) -> dict[str, Any]:
    """Return the entry of `reasoning_details` for a part with a seal; the seals of other dialects are wrapped."""
    if thinking.origin == CHAT:
        detail = _unsealed(thinking.seal or "")
    elif thinking.redacted:
        detail = {"type": "reasoning.encrypted", "data": seals.wrapped(thinking), "index": index}
    else:
        detail = {"type": "reasoning.text", "signature": seals.wrapped(thinking), "index": index}
    shown = _shown(detail)
    return {**detail, shown: thinking.text} if shown and thinking.text else detail


def _unsealed(seal: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(seal)
    except UNREADABLE:
        found = None
    return found if isinstance(found, dict) else {"type": "reasoning.text", "signature": seal}


def write_details(parts: Iterable[Thinking]) -> list[dict[str, Any]]:
    """Return `reasoning_details` of the parts that have a seal."""
    return [write_detail(each, index) for index, each in enumerate(parts) if has_detail(each)]


def has_detail(thinking: Thinking) -> bool:
    """Return whether a part has an entry in `reasoning_details`: it has a seal that is not a call's."""
    return thinking.seal is not None and not (thinking.origin == CHAT and thinking.seal.startswith(_SIGNED_CALL))


def signed_call(extra_content: Any) -> Thinking | None:
    """Return the reasoning of which a tool call's `extra_content` has the signature; None where it has none."""
    google = extra_content.get("google") if isinstance(extra_content, dict) else None
    if not isinstance(google, dict) or not isinstance(google.get("thought_signature"), str):
        return None
    return Thinking(seal=encode({"extra_content": extra_content}).decode(), redacted=True, origin=CHAT)


def extra_content(thinking: Thinking) -> Any:
    """Return the `extra_content` of the call after a part of reasoning; None where that is no signature of a call."""
    if thinking.origin != CHAT or not (thinking.seal or "").startswith(_SIGNED_CALL):
        return None
    return _unsealed(thinking.seal or "").get("extra_content")
