"""Streams of OpenAI's Audio: a transcript piece by piece, and speech as events.

Source: platform.openai.com/docs/api-reference/audio; docs.vllm.ai, whose transcripts come in chunks as of a chat.
"""

from typing import Any

from msgspec import Raw, Struct

from gateway import lenient, wire
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import BROKEN, DONE, FINISHED, OPENED, WAITING
from gateway.dialects.usage import from_chat, from_media, from_transcription
from gateway.wire import Members

TEXT_DELTA, TEXT_DONE = "transcript.text.delta", "transcript.text.done"
AUDIO_DELTA, AUDIO_DONE = "speech.audio.delta", "speech.audio.done"


class _Event(Struct, gc=False):
    type: Any = None
    delta: Any = None
    usage: Any = None
    error: Raw = NOTHING
    choices: Any = None
    model: Any = None


class TranscriptRelay(PassThrough):
    """The last event repeats the whole text, with the counts."""

    shapes = (_Event,)

    def name_of(self, fields: _Event) -> Any:
        return fields.model

    def read_text(self, payload: bytes, event: bytes) -> bytes:
        if payload.strip() == b"[DONE]":
            self.state = DONE if self.state >= FINISHED else BROKEN
        return event

    def read(self, fields: _Event, payload: bytes, event: bytes) -> bytes:
        if lenient.says(fields.error) or fields.type == "error":
            return self.failed(payload, event)
        if fields.delta:
            self.wrote(fields.delta)
        elif fields.choices:
            self._chunk(fields.choices)
        elif self.state is WAITING:
            self.state = OPENED
        if usage := from_chat(fields.usage) or from_transcription(fields.usage, None):
            self.take(usage)
        if fields.type == TEXT_DONE:
            self.state = FINISHED
        return event

    def _chunk(self, choices: Any) -> None:
        """Read a chunk as vLLM sends it."""
        choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else {}
        delta = choice.get("delta")
        if isinstance(delta, dict) and delta.get("content"):
            self.wrote(delta["content"])
        if choice.get("finish_reason"):
            self.state = FINISHED


class SpeechRelay(PassThrough):
    """Sound in base64; the last event has the counts."""

    shapes = (_Event,)

    def name_of(self, fields: _Event) -> Any:
        return None

    def read(self, fields: _Event, payload: bytes, event: bytes) -> bytes:
        if lenient.says(fields.error) or fields.type == "error":
            return self.failed(payload, event)
        if self.state is WAITING:
            self.state = OPENED
        if fields.type == AUDIO_DONE:
            self.state = FINISHED
            if usage := from_media(fields.usage):
                self.take(usage)
        return event


def transcript_as_stream(answer: Members) -> bytes | None:
    """Return a whole transcript as the stream that was asked for."""
    text = lenient.peek(answer, "text")
    if not isinstance(text, str):
        return None
    usage = lenient.peek(answer, "usage")
    done = {"type": TEXT_DONE, "text": text} | ({"usage": usage} if isinstance(usage, dict) else {})
    return event_of({"type": TEXT_DELTA, "delta": text}) + event_of(done)


def event_of(content: dict[str, Any]) -> bytes:
    """Return an event of Audio, whose type stands inside it."""
    return b"data: %s\n\n" % wire.encode(content)
