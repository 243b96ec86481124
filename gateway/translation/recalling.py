"""Reasoning that a client's dialect drops: kept with the calls that followed it, put back before their results go up.

Without its signatures a provider refuses the next turn of a loop of tools, or thinks anew and misses its cache.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec

from gateway.lenient import UNREADABLE
from gateway.translation.conversation import Conversation, Turn
from gateway.translation.parts import Part, Text, Thinking, ToolCall

_PREFIX = "call:"
_MOST_WANTED = 2000
"""Of keys that are looked for; a loop of more calls than that goes up without the oldest reasoning."""


class _Kept(msgspec.Struct, tag_field="kind", tag="thinking", omit_defaults=True):
    text: str = ""
    seal: str | None = None
    redacted: bool = False
    origin: str | None = None
    id: str | None = None


class _Call(msgspec.Struct, tag_field="kind", tag="call"):
    id: str


class _Words(msgspec.Struct, tag_field="kind", tag="text"):
    pass


_Order = list[_Kept | _Call | _Words]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Order).decode


def to_keep(parts: Sequence[Part]) -> dict[str, bytes]:
    """Return what is to be kept of an answer: its reasoning and its order, under its first call's id."""
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if not calls or not any(isinstance(part, Thinking) and part.seal for part in parts):
        return {}
    return {_key_of(calls[0]): _encode([each for part in parts if (each := _item(part))])}


def _key_of(call: ToolCall) -> str:
    """Return the key of a call: by its id alone it is not known, as some servers number the calls of each answer."""
    said = f"{call.id}\0{call.name}\0{_same(call.arguments)}"
    return _PREFIX + blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _same(arguments: str) -> str:
    """Return arguments as they are whoever wrote them: clients send them back in another form."""
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments or "{}"), order="sorted").decode()
    except UNREADABLE:
        return arguments


def _item(part: Part) -> _Kept | _Call | _Words | None:
    if isinstance(part, Thinking):
        return _Kept(part.text, part.seal, part.redacted, part.origin, part.id)
    if isinstance(part, ToolCall):
        return _Call(part.id)
    return _Words() if isinstance(part, Text) else None


def wanted(conversation: Conversation) -> list[str]:
    """Return the keys under which reasoning of a conversation may be kept: of turns with calls that came without it."""
    keys = (key for turn in conversation.turns if (key := _key(turn)))
    return list(dict.fromkeys(keys))[-_MOST_WANTED:]


def _key(turn: Turn) -> str | None:
    if turn.role != "assistant" or any(isinstance(part, Thinking) and part.seal for part in turn.parts):
        return None
    first = next((part for part in turn.parts if isinstance(part, ToolCall)), None)
    return _key_of(first) if first else None


def recalled(conversation: Conversation, found: Mapping[str, bytes]) -> Conversation:
    """Return a conversation with the reasoning that was kept of it in its old places."""
    if not any(found.values()):
        return conversation
    turns = tuple(_with(turn, found.get(_key(turn) or "", b"")) for turn in conversation.turns)
    return msgspec.structs.replace(conversation, turns=turns)


def _with(turn: Turn, kept: bytes) -> Turn:
    if not kept:
        return turn
    try:
        order = _decode(kept)
    except (ValueError, RecursionError):
        return turn
    return msgspec.structs.replace(turn, parts=tuple(_merged(turn.parts, order)))


def _merged(parts: Sequence[Part], order: _Order) -> Iterable[Part]:
    """Yield a turn's own parts, with kept reasoning where it stood among them."""
    left = [part for part in parts if not isinstance(part, Thinking)]
    for item in order:
        if isinstance(item, _Kept):
            yield Thinking(text=item.text, seal=item.seal, redacted=item.redacted, origin=item.origin, id=item.id)
            continue
        matching = next((part for part in left if _matches(part, item)), None)
        if matching is not None:
            left.remove(matching)
            yield matching
    yield from left


def _matches(part: Part, item: _Call | _Words) -> bool:
    if isinstance(item, _Call):
        return isinstance(part, ToolCall) and part.id == item.id
    return isinstance(part, Text)
