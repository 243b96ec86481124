"""Thought signatures: what proves the model's reasoning to it, on the part that the reasoning led to.

Source: ai.google.dev/gemini-api/docs/thought-signatures. In the canonical form a signature is a part of reasoning
without words, whose seal also says where the signature stood.
"""

from gateway.translation.gemini.names import DIALECT
from gateway.translation.parts import Thinking

_ON_TEXT = "text:"
_ALONE = "alone:"
UNSIGNED = "skip_thought_signature_validator"
"""Stands for the signature of a call that this model did not make, or whose signature was lost."""


def before_call(signature: str) -> Thinking:
    """Return the reasoning that led to the call after it."""
    return _signed(signature)


def on_text(signature: str) -> Thinking:
    """Return the reasoning that led to the text before it."""
    return _signed(_ON_TEXT + signature)


def alone(signature: str) -> Thinking:
    """Return reasoning whose signature has a part of its own."""
    return _signed(_ALONE + signature)


def _signed(seal: str) -> Thinking:
    return Thinking(seal=seal, redacted=True, origin=DIALECT)


def is_on_text(seal: str) -> bool:
    return seal.startswith(_ON_TEXT)


def is_alone(seal: str) -> bool:
    return seal.startswith(_ALONE)


def signature_of(seal: str) -> str:
    """Return the signature in a seal."""
    return seal.removeprefix(_ON_TEXT).removeprefix(_ALONE)
