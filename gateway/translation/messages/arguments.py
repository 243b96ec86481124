"""Arguments of tool calls: an object in Messages, the model's own text in the canonical form."""

import json
from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.translation.messages.names import RAW_ARGUMENTS

_decode = msgspec.json.Decoder().decode


def arguments_of(found: Any) -> str:
    """Return the text of a tool's input."""
    if isinstance(found, dict) and len(found) == 1 and isinstance(found.get(RAW_ARGUMENTS), str):
        return str(found[RAW_ARGUMENTS])
    try:
        return wire.encode(found).decode()
    except (*lenient.UNREADABLE, TypeError):
        return _odd(found)


def _odd(found: Any) -> str:
    """Return the text of what msgspec does not write: halves of surrogate pairs; `{}` where nothing can."""
    try:
        return json.dumps(found)
    except (*lenient.UNREADABLE, TypeError):
        return "{}"


def input_of(arguments: str) -> dict[str, Any]:
    """Return the input that arguments stand for; what is no JSON object survives as text."""
    if not arguments.strip():
        return {}
    try:
        found = _decode(arguments)
    except lenient.UNREADABLE:
        return {RAW_ARGUMENTS: arguments}
    return found if isinstance(found, dict) else {RAW_ARGUMENTS: arguments}


def complete(arguments: str) -> bool:
    """Return whether arguments are a whole JSON object, to which nothing can follow."""
    try:
        return arguments.rstrip().endswith("}") and isinstance(_decode(arguments), dict)
    except lenient.UNREADABLE:
        return False
