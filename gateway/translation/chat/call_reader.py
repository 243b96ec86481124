"""Tool calls in messages of the assistant, and their ids."""

from hashlib import blake2s
from typing import Any

from gateway.translation import checks
from gateway.translation.chat.names import CHAT
from gateway.translation.parts import NOTHING_OWN, Own, ToolCall
from gateway.wire import encode

Fields = dict[str, Any]

_KNOWN = frozenset(("id", "type", "index", "function", "custom"))
_OF_FUNCTION = frozenset(("name", "arguments", "input"))


def made_id(*seed: object) -> str:
    """Return an id for a call that has none: the same for the same `seed`, valid in every dialect."""
    return f"call_{blake2s(repr(seed).encode(errors='replace'), digest_size=12).hexdigest()}"


def arguments_of(found: Any) -> str:
    """Return arguments as JSON text; some servers and clients send them as an object."""
    if isinstance(found, str):
        return found
    return "" if found is None else encode(found).decode()


def read_call(call: Fields, where: str, default_id: str) -> ToolCall:
    """Return one of `tool_calls`. Raises `InvalidRequest` that names the member at fault."""
    custom = call.get("type") == "custom"
    kind, text = ("custom", "input") if custom else ("function", "arguments")
    if call.get("type", kind) not in (kind, None):
        raise checks.unknown(f"{where}.type", call["type"], "function, custom")
    found, at = checks.required_object(call, kind, where), f"{where}.{kind}"
    arguments = found.get(text)
    if not isinstance(arguments, str | dict | None):
        raise checks.wrong_type(f"{at}.{text}", "a string")
    return ToolCall(
        id=checks.text(call, "id", where) or default_id,
        name=checks.name_of(found, "name", at),
        arguments=arguments_of(arguments),
        custom=custom,
        own=call_own(call, found),
    )


def call_own(call: Fields, function: Fields) -> Own:
    """Return what only Chat Completions knows of a call: Gemini's signatures in `extra_content`, for example."""
    if call.keys() <= _KNOWN and function.keys() <= _OF_FUNCTION:
        return NOTHING_OWN
    rest = {name: found for name, found in call.items() if name not in _KNOWN and found is not None}
    inner = {name: found for name, found in function.items() if name not in _OF_FUNCTION and found is not None}
    if inner:
        rest["function"] = inner
    return {CHAT: rest} if rest else NOTHING_OWN
