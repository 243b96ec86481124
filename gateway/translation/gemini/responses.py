"""Results of tools: an object in Gemini, text in the canonical form.

An object with nothing but `output` or `error` stands for that text (ai.google.dev/api/caching, FunctionResponse).
"""

from typing import Any

import msgspec

from gateway import lenient
from gateway.translation.checks import Fields
from gateway.translation.messages.arguments import arguments_of

_decode = msgspec.json.Decoder().decode


def response_of(text: str, *, is_error: bool) -> Fields:
    """Return the object for a result: the JSON object that its text is, else one that holds the text."""
    if is_error:
        return {"error": text}
    if text.lstrip()[:1] == "{":
        try:
            found = _decode(text)
        except lenient.UNREADABLE:
            found = None
        if isinstance(found, dict) and not _stands_for_text(found):
            return found
    return {"output": text}


def text_of_response(response: Fields) -> tuple[str, bool]:
    """Return the text of a result, and whether it tells of an error."""
    if _stands_for_text(response):
        return next(iter(response.values())), "error" in response
    return arguments_of(response), False


def _stands_for_text(response: dict[str, Any]) -> bool:
    return len(response) == 1 and isinstance(response.get("output", response.get("error")), str)
