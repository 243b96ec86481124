"""Reasoning of another dialect's model in a conversation that goes to a model of the client's own dialect.

It came through a translation earlier in the session; the provider would refuse its seal. Requests without any are not
decoded for this.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway import wire
from gateway.translation.plain import request_data
from gateway.translation.seals import MARK, is_wrapped
from gateway.wire import Members

_HOLDERS = {"messages": "messages", "responses": "input", "chat": "messages"}
"""The member of a request in which the conversation stands, by the dialect."""
_MARK = MARK.encode()


def without_foreign_seals(dialect: str, fields: Members) -> Members:
    """Return a request without them; the same object where it has none. Raises `InvalidRequest`."""
    name = _HOLDERS.get(dialect)
    raw = fields.get(name) if name else None
    if name is None or raw is None or _MARK not in bytes(raw):
        return fields
    turns = request_data({name: raw})[name]
    if not isinstance(turns, list):
        return fields
    cleaned = [found for turn in turns if (found := _CLEANERS[dialect](turn)) is not None]
    return {**fields, name: msgspec.Raw(wire.encode(cleaned))}


def _item(item: Any) -> Any:
    """Return an input item of Responses, or None for reasoning that is not its model's."""
    foreign = isinstance(item, dict) and item.get("type") == "reasoning" and is_wrapped(item.get("encrypted_content"))
    return None if foreign else item


def _message(turn: Any) -> Any:
    """Return a message of Messages without such blocks, or None where nothing else was in it."""
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), list):
        return turn
    kept = [block for block in turn["content"] if not _is_foreign_block(block)]
    return {**turn, "content": kept} if kept else None


def _is_foreign_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    return (block.get("type") == "thinking" and is_wrapped(block.get("signature"))) or (
        block.get("type") == "redacted_thinking" and is_wrapped(block.get("data"))
    )


def _chat_message(turn: Any) -> Any:
    """Return a message of Chat Completions without details of such reasoning."""
    details = turn.get("reasoning_details") if isinstance(turn, dict) else None
    if not isinstance(details, list):
        return turn
    kept = [each for each in details if not (isinstance(each, dict) and any(map(is_wrapped, each.values())))]
    return {name: found for name, found in turn.items() if name != "reasoning_details"} | (
        {"reasoning_details": kept} if kept else {}
    )


_CLEANERS: dict[str, Callable[[Any], Any]] = {"messages": _message, "responses": _item, "chat": _chat_message}
