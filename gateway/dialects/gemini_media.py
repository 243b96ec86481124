"""Google's generateContent where it draws, speaks or writes down what it hears: what answers tell.

Source: ai.google.dev/gemini-api/docs: image generation, speech generation, audio understanding.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from gateway import lenient
from gateway.dialects import gemini
from gateway.dialects.endpoint import Endpoint, PerCall
from gateway.dialects.gemini_stream import objects, reason_of
from gateway.dialects.usage import Media, Usage, from_gemini
from gateway.wire import Members

FILTERED = frozenset(
    (
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "JAILBREAK",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    )
)
"""Reasons with which a filter takes an answer away."""
_WITHOUT = ("NO_IMAGE", "STOP", None)
"""Reasons of answers that are complete, though in words."""


def parts_of(answer: Any) -> list[dict[str, Any]]:
    """Return the parts of an answer's first candidate that are no thoughts."""
    for candidate in objects(answer.get("candidates"))[:1]:
        content = candidate.get("content")
        found = objects(content.get("parts")) if isinstance(content, dict) else []
        return [part for part in found if not part.get("thought")]
    return []


def data_of(answer: Any) -> list[str]:
    """Return the images or sounds of an answer, in base64."""
    inline = [part.get("inlineData") for part in parts_of(answer)]
    found = [each.get("data") for each in inline if isinstance(each, dict)]
    return [each for each in found if isinstance(each, str) and each]


def text_of(answer: Any) -> str:
    """Return what the model wrote."""
    return "".join(part["text"] for part in parts_of(answer) if isinstance(part.get("text"), str))


def end_of(answer: Any) -> str | None:
    """Return why an answer ended, or why there is none; None where it says nothing."""
    feedback = answer.get("promptFeedback")
    blocked = reason_of(feedback.get("blockReason")) if isinstance(feedback, dict) else None
    ends = (reason_of(each.get("finishReason")) for each in objects(answer.get("candidates"))[:1])
    return blocked or next(ends, None)


def filter_of(answer: Any) -> str | None:
    """Return the reason of a filter that took an answer away; None where none did."""
    feedback, end = answer.get("promptFeedback"), end_of(answer)
    blocked = isinstance(feedback, dict) and bool(feedback.get("blockReason"))
    return end or "blocked" if blocked or end in FILTERED else None


def usage_of(found: Any) -> Usage | None:
    """Return the counts of `usageMetadata`, with the tokens that are no text; None where it holds none."""
    usage = from_gemini(found)
    if usage is None:
        return None
    asked, answered = (_by_modality(found.get(name)) for name in ("promptTokensDetails", "candidatesTokensDetails"))
    media = Media(asked["IMAGE"], answered["IMAGE"], asked["AUDIO"], answered["AUDIO"])
    return usage if media == Media() else msgspec.structs.replace(usage, media=media)


def _by_modality(found: Any) -> dict[str, int]:
    counts = {"IMAGE": 0, "AUDIO": 0}
    for each in objects(found):
        count, modality = each.get("tokenCount"), each.get("modality")
        if modality in counts and type(count) is int and count > 0:
            counts[modality] += count
    return counts


def _of_answer(answer: Members) -> Usage | None:
    return usage_of(lenient.peek(answer, "usageMetadata"))


def _of_images(answer: Members) -> Usage | None:
    """Return the counts of an answer with images, which are of 1K where the request says nothing else."""
    usage = _of_answer(answer) or Usage()
    media = msgspec.structs.replace(usage.media or Media(), image_kind="/1K")
    return msgspec.structs.replace(usage, images=len(data_of(_told(answer))), media=media)


def _told(answer: Members) -> dict[str, Any]:
    return {name: lenient.peek(answer, name) for name in ("candidates", "promptFeedback")}


def _without(holds: Callable[[Any], object]) -> Callable[[Members], bool]:
    """Return what tells whether an answer is an error: it neither holds what was wanted, nor says why it does not."""

    def failure(answer: Members) -> bool:
        told = _told(answer)
        if lenient.says(answer.get("error")):
            return True
        return not holds(told) and filter_of(told) is None and not (end_of(told) in _WITHOUT and text_of(told))

    return failure


def _row(usage: Callable[[Members], Usage | None], failure: Callable[[Members], bool]) -> Endpoint:
    return replace(gemini.GEMINI, upstream=replace(gemini.UPSTREAM, usage=usage, failure=failure), also=())


def _heard(answer: Any) -> bool:
    """Return whether an answer ended well: silence has no words."""
    return end_of(answer) in ("STOP", "MAX_TOKENS")


def transcript_of(answer: Any) -> str:
    """Return what the model heard, in a text or in Google's own part for it."""
    told = (part.get("audioTranscription") for part in parts_of(answer))
    texts = [each.get("text") for each in told if isinstance(each, dict)]
    return text_of(answer) or "".join(text for text in texts if isinstance(text, str))


IMAGES = replace(_row(_of_images, _without(data_of)), per_call=lambda model: PerCall(1))
SPEECH = _row(_of_answer, _without(data_of))
TRANSCRIPTS = _row(_of_answer, _without(_heard))
