"""Taking our secrets out of what an upstream says, before clients, records and logs see it."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

_HIDDEN = "***"
_SHORTEST = 8
"""Characters of a key; a shorter one is no secret, and hiding it would tear words apart."""
_BEGINNING = 12
"""Servers that quote a key often cut it; so much of it is enough to know it by."""
_TOKENS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|nvapi|hf|pplx|csk|fw)[-_][A-Za-z0-9_*.…-]{6,}|\bAIza[A-Za-z0-9_*-]{10,}|\bAKIA[A-Z0-9]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|(?<=[Bb]earer )[A-Za-z0-9._~+/=*-]{8,}"
)
"""Keys as vendors make them, JSON Web Tokens, and whatever follows `Bearer`."""


def redacted(content: bytes, secrets: Sequence[str]) -> bytes:
    """Return an upstream's error without our secrets and without what looks like a key; else the same bytes."""
    try:
        whole = msgspec.json.decode(content)
        clean = _walked(whole, lambda text: redacted_text(text, secrets))
        return content if clean == whole else msgspec.json.encode(clean)
    except (msgspec.MsgspecError, ValueError, RecursionError, TypeError):
        text = content.decode("latin-1")
        return redacted_text(text, secrets).encode("latin-1", "replace")


def redacted_text(text: str, secrets: Sequence[str]) -> str:
    """Return a text without our secrets, whole or cut, and without what looks like a key."""
    forms = [form for each in secrets if len(each) >= _SHORTEST for form in (each, quote(each, safe=""))]
    for form in forms:
        text = text.replace(form, _HIDDEN)
    for form in forms:
        text = _without(text, form)
    return _TOKENS.sub(_HIDDEN, text)


def _without(text: str, secret: str) -> str:
    """Return a text without the cut forms of a secret: whatever begins as it does, as far as it goes on so."""
    beginning = secret[:_BEGINNING]
    parts: list[str] = []
    place = 0
    while (found := text.find(beginning, place)) >= 0:
        end = found
        while end < len(text) and end - found < len(secret) and text[end] == secret[end - found]:
            end += 1
        parts += [text[place:found], _HIDDEN]
        place = end
    return "".join([*parts, text[place:]])


def _walked(node: Any, change: Callable[[str], str]) -> Any:
    if isinstance(node, str):
        return change(node)
    if isinstance(node, list):
        return [_walked(each, change) for each in node]
    if isinstance(node, dict):
        return {change(name): _walked(value, change) for name, value in node.items()}
    return node
