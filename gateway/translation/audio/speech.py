"""Text that Gemini speaks: a client's request, and the sound in the formats that need no encoder.

Source: ai.google.dev/gemini-api/docs/speech-generation. Gemini answers with bare samples.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from gateway.dialects.audio import wants_sound_events
from gateway.dialects.audio_stream import AUDIO_DELTA, AUDIO_DONE, event_of
from gateway.dialects.gemini_media import SPEECH as ENDPOINT
from gateway.dialects.gemini_media import parts_of
from gateway.dialects.usage import Usage
from gateway.errors import InvalidRequest, UpstreamUnreachable
from gateway.translation import checks
from gateway.translation.audio.sink import Fields, Shape, Sink, Writing
from gateway.translation.audio.wav import seconds_of, wav
from gateway.translation.contract import Asked
from gateway.translation.plain import request_data

FORMATS = ("wav", "pcm")
VOICES = {
    "alloy": "Kore",
    "ash": "Charon",
    "ballad": "Algieba",
    "cedar": "Achird",
    "coral": "Aoede",
    "echo": "Puck",
    "fable": "Fenrir",
    "marin": "Zephyr",
    "nova": "Leda",
    "onyx": "Orus",
    "sage": "Sulafat",
    "shimmer": "Vindemiatrix",
    "verse": "Iapetus",
}
"""OpenAI's voices, which clients ask for by themselves: the one of Gemini that speaks for each."""
GEMINI_VOICES = (
    *("Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe", "Charon", "Despina"),
    *("Enceladus", "Erinome", "Fenrir", "Gacrux", "Iapetus", "Kore", "Laomedeia", "Leda", "Orus", "Puck"),
    *("Pulcherrima", "Rasalgethi", "Sadachbia", "Sadaltager", "Schedar", "Sulafat", "Umbriel", "Vindemiatrix"),
    *("Zephyr", "Zubenelgenubi"),
)
"""As Google lists them (November 2026); other names go to it as they are."""
_READ = ("model", "input", "instructions", "voice", "response_format", "stream", "stream_format", "user")
_RATE = 24_000
_MOST_BYTES = 128 * 2**20
"""Of sound: three quarters of an hour."""
_KINDS = ("audio/l16", "audio/pcm", "audio/wav", "audio/x-wav")
_find_rate = re.compile(r"rate=([0-9]{4,6})(?![0-9])", re.ASCII).search


def _write(asked: Asked) -> Writing:
    found = {name: value for name, value in request_data(asked.fields).items() if value is not None}
    kind = checks.text(found, "response_format") or FORMATS[0]
    if kind not in FORMATS:
        raise InvalidRequest(
            f"The model does not speak in the format '{kind[:40]}'; it takes: {', '.join(FORMATS)}.",
            code="unsupported_value",
            param="response_format",
        )
    said, voice = checks.text(found, "voice"), None
    if said:
        voice = VOICES.get(said.lower(), said[:1].upper() + said[1:])
    config: Fields = {"responseModalities": ["AUDIO"]}
    if voice:
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    fields = {"contents": [{"role": "user", "parts": [{"text": _text(found)}]}], "generationConfig": config}
    others = (name for name, value in found.items() if name not in _READ and (name, value) != ("speed", 1))
    replaced = ("voice",) if said and said.lower() in VOICES else ()
    sinks: dict[str, type[Sink]] = {"wav": WavFile, "pcm": Samples}
    return Writing(fields, Events if wants_sound_events(asked.fields) else sinks[kind], (), (*others, *replaced))


def _text(found: Fields) -> str:
    """Return what to speak, behind how to."""
    text, manner = checks.required_text(found, "input"), checks.text(found, "instructions")
    return f"{manner.rstrip().rstrip(':')}:\n{text}" if manner and manner.strip() else text


class Samples:
    """Bare samples, sent while they are made."""

    def __init__(self) -> None:
        self._rate = _RATE
        self._size = 0

    @property
    def media_type(self) -> str:
        """Return what it is; programs that know nothing of the rate suppose 24,000, as OpenAI's samples have."""
        return f"audio/pcm;rate={self._rate};channels=1"

    @property
    def seconds(self) -> float | None:
        return seconds_of(self._size, self._rate) if self._size else None

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        return b"".join(self._samples(part["inlineData"]) for part in parts_of(chunk) if "inlineData" in part)

    def end(self, usage: Usage | None) -> bytes:
        if not self._size:
            raise UpstreamUnreachable("The model's server answered without sound.", code="upstream_invalid_answer")
        return b""

    def written(self) -> int:
        return 0

    def _samples(self, inline: Any) -> bytes:
        """Return the samples of a piece; the head of a file, where it is one, is left out."""
        kind, data = (inline.get(name) for name in ("mimeType", "data")) if isinstance(inline, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(data, str) or not kind.lower().startswith(_KINDS):
            raise _no_samples()
        if rate := _find_rate(kind):
            self._rate = int(rate[1])
        try:
            samples = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise _no_samples() from None
        if samples.startswith(b"RIFF"):
            samples = samples.partition(b"data")[2][4:]
        self._size += len(samples)
        if self._size > _MOST_BYTES:
            raise UpstreamUnreachable(
                "The model's server speaks without an end. Send a shorter text.", code="upstream_answer_too_large"
            )
        return samples


class WavFile(Samples):
    """A WAV file, whose head tells how long it is, so that all of it is there before it is sent."""

    @property
    def media_type(self) -> str:
        return "audio/wav"

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        self._parts.append(super().read(chunk))
        return b""

    def end(self, usage: Usage | None) -> bytes:
        super().end(usage)
        return wav(b"".join(self._parts), self._rate)


class Events(Samples):
    """Events with samples in base64."""

    @property
    def media_type(self) -> str:
        return "text/event-stream"

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        samples = super().read(chunk)
        return event_of({"type": AUDIO_DELTA, "audio": base64.b64encode(samples).decode()}) if samples else b""

    def end(self, usage: Usage | None) -> bytes:
        super().end(usage)
        asked, spoken = (usage.input or 0, usage.output or 0) if usage else (0, 0)
        counts = {"input_tokens": asked, "output_tokens": spoken, "total_tokens": asked + spoken}
        return event_of({"type": AUDIO_DONE, "usage": counts})


def _no_samples() -> UpstreamUnreachable:
    return UpstreamUnreachable(
        "The model's server answered with sound in a format that is not known.", code="upstream_invalid_answer"
    )


SPEECH = Shape(ENDPOINT, _write)
