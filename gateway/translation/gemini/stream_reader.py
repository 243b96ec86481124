"""A stream of generateContent answers into events, with tolerance of whatever an upstream sends."""

from collections.abc import Sequence
from typing import Any

from gateway import wire
from gateway.dialects.gemini_stream import BROKEN, merge_counts, reason_of
from gateway.dialects.usage import from_gemini
from gateway.ids import request_id
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Event, Failed, Started
from gateway.translation.checks import Fields
from gateway.translation.gemini.grounding import citations_of, logprobs_of
from gateway.translation.gemini.names import end_of
from gateway.translation.gemini.open_parts import OpenParts
from gateway.translation.messages.answer_reader import object_of, text_of
from gateway.translation.plain import event_data


class GeminiStreamReader:
    """Reads one stream. It has no last event: its end is the end of the connection after a finish reason."""

    def __init__(self, profile: Profile) -> None:
        self._parts = OpenParts()
        self._counts: dict[str, Any] = {}
        self._reason: str | None = None
        self._started = self._over = False

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        if self._over:
            return ()
        chunk = event_data(payload)
        if name == b"error" or chunk.get("error"):
            self._over = True
            return (Failed(payload),)
        return self.take(chunk) if chunk else ()

    def end(self) -> Sequence[Event]:
        return self.finish() if self._reason and not self._over else ()

    def take(self, chunk: Fields) -> Sequence[Event]:
        """Return what a chunk says; a whole answer is one chunk."""
        merge_counts(self._counts, object_of(chunk.get("usageMetadata")))
        events: list[Event] = [*self._start(chunk)]
        candidate = _first(chunk.get("candidates"))
        if candidate is None:
            if object_of(chunk.get("promptFeedback")).get("blockReason"):
                self._reason = "SAFETY"
            return events
        events += self._content(candidate)
        self._reason = reason_of(candidate.get("finishReason")) or self._reason
        if self._reason in BROKEN:
            self._over = True
            return [*events, Failed(_failure(self._reason or ""))]
        return events

    def finish(self) -> Sequence[Event]:
        """Close what is open and end."""
        self._over = True
        closed = self._parts.close()
        return [*closed, Ended(end_of(self._reason, self._parts.called), usage=from_gemini(self._counts))]

    def _start(self, chunk: Fields) -> Sequence[Event]:
        if self._started:
            return ()
        self._started = True
        found = text_of(chunk.get("responseId"))
        self._parts.answer_id = found or request_id()
        return (Started(found, text_of(chunk.get("modelVersion")), from_gemini(self._counts)),)

    def _content(self, candidate: Fields) -> Sequence[Event]:
        parts = object_of(candidate.get("content")).get("parts")
        logprobs = logprobs_of(candidate) if "logprobsResult" in candidate else None
        events: list[Event] = []
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                took = self._parts.take(part, logprobs)
                logprobs = logprobs if not took else None
                events += took
        if candidate.get("groundingMetadata") and (text := self._parts.text) is not None:
            events += [event for each in citations_of(candidate, text) for event in self._parts.cite(each)]
        return events


def _first(candidates: Any) -> Fields | None:
    """Return the first candidate; None where there is none."""
    if not isinstance(candidates, list):
        return None
    return next((each for each in candidates if isinstance(each, dict) and not each.get("index")), None)


def _failure(reason: str) -> bytes:
    """Return the error that an answer is which cannot be read."""
    return wire.encode({"error": {"code": 502, "status": "INTERNAL", "message": f"The answer ended with {reason}."}})
