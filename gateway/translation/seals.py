"""Seals of reasoning on their way through a dialect that is not their own: kept in its own opaque member.

Messages has `signature` and `data`, Responses `encrypted_content`; both come back from clients as they were sent.
"""

import msgspec

from gateway.translation.parts import Thinking

MARK = "sekisho1:"
"""Begins every text of `wrapped`."""
_LONGEST_ORIGIN = 32


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    origin: str
    seal: str | None
    id: str | None
    redacted: bool


def wrapped(thinking: Thinking) -> str:
    """Return a text by which `unwrapped` finds the seal, the origin and the id of a part of reasoning."""
    sealed = _Sealed(thinking.origin or "", thinking.seal, thinking.id, thinking.redacted)
    return MARK + msgspec.json.encode(sealed).decode()


def is_wrapped(text: object) -> bool:
    """Return whether a text was made by `wrapped`."""
    return isinstance(text, str) and text.startswith(MARK)


def unwrapped(text: str, shown: str) -> Thinking | None:
    """Return the part that a text of `wrapped` stands for, with the reasoning that was shown; None for other texts."""
    if not text.startswith(MARK):
        return None
    try:
        sealed = msgspec.json.decode(text[len(MARK) :], type=_Sealed)
    except (ValueError, RecursionError):
        return Thinking(text=shown)
    origin = sealed.origin[:_LONGEST_ORIGIN] or None
    return Thinking(text=shown, seal=sealed.seal, redacted=sealed.redacted, origin=origin, id=sealed.id)
