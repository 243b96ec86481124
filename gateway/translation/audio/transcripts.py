"""Sound that Gemini writes down: a client's form, and the words as JSON, as text or as events.

Source: ai.google.dev/gemini-api/docs/audio; Vertex AI's discovery document (`AudioTranscriptionConfig`).
"""

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway import wire
from gateway.dialects.audio import wants_events
from gateway.dialects.audio_stream import TEXT_DELTA, TEXT_DONE, event_of
from gateway.dialects.gemini_media import TRANSCRIPTS as ENDPOINT
from gateway.dialects.gemini_media import transcript_of
from gateway.dialects.usage import Usage
from gateway.errors import InvalidRequest
from gateway.profiles.names import parse_name
from gateway.translation import checks
from gateway.translation.audio.sink import Fields, Shape, Writing
from gateway.translation.contract import Asked
from gateway.translation.plain import request_data
from gateway.translation.uploads import check_inline, upload

FORMATS = ("json", "text")
_KINDS = ("wav", "mpeg", "aiff", "aac", "ogg", "flac", "mp4", "webm")
_READ = ("model", "language", "prompt", "response_format", "temperature", "stream", "user")
_TRANSCRIBE = "Write down what is said in this recording, word for word, in the language that is spoken."
_TRANSLATE = "Translate what is said in this recording into English."
_ONLY = " Answer with nothing else; with nothing at all where nobody speaks."
_is_language = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII).fullmatch


def _write(asked: Asked, *, translates: bool) -> Writing:
    found = {name: value for name, value in request_data(asked.fields).items() if value not in (None, "")}
    kind = checks.text(found, "response_format") or FORMATS[0]
    if kind not in FORMATS:
        raise InvalidRequest(
            f"The model does not write the format '{kind[:40]}', as it tells no times; it takes: {', '.join(FORMATS)}.",
            code="unsupported_value",
            param="response_format",
        )
    files = [file for name, file in asked.payload.files if name == "file"]
    if len(files) > 1:
        raise InvalidRequest("The form has more than one 'file'; send one at a time.", param="file")
    sound = upload(files[0])
    check_inline((sound,), "file", "Recordings", [f"audio/{each}" for each in _KINDS])
    inline = {"inlineData": {"mimeType": sound.media_type, "data": sound.mark}}
    own = "transcribe" in parse_name(checks.required_text(found, "model")).words
    config = _config(found, own=own)
    parts = [inline] if own else [inline, {"text": _instruction(found, translates=translates)}]
    if own and translates:
        raise InvalidRequest(
            "The model only writes down what it hears. Choose another one for translations.",
            code="unsupported_value",
            param="model",
        )
    fields: Fields = {"contents": [{"role": "user", "parts": parts}]} | ({"generationConfig": config} if config else {})
    lost = ("prompt",) if own and "prompt" in found else ()
    dropped = (*(name for name in found if name not in _READ), *lost)
    sink = Events if wants_events(asked.fields) else partial(Transcript, kind)
    return Writing(fields, sink, (sound,), dropped)


def _config(found: Fields, *, own: bool) -> Fields:
    """Return the settings of a request; a model made for transcripts is told the language in its own way."""
    config: Fields = {}
    if (temperature := _temperature(found.get("temperature"))) is not None:
        config["temperature"] = temperature
    if own:
        language = _language(found)
        config["audioTranscriptionConfig"] = {"languageCodes": [language]} if language else {}
    return config


def _instruction(found: Fields, *, translates: bool) -> str:
    language, context = _language(found), checks.text(found, "prompt")
    spoken = f" The language is: {language}." if language else ""
    about = f" Spell names and terms as in this text, which is not part of it: {context}" if context else ""
    return (_TRANSLATE if translates else _TRANSCRIBE) + spoken + _ONLY + about


def _language(found: Fields) -> str | None:
    language = checks.text(found, "language")
    if language is not None and not _is_language(language):
        raise InvalidRequest("The field 'language' must be a code such as 'ja' or 'en-GB'.", param="language")
    return language


def _temperature(said: Any) -> float | None:
    """Return a temperature, which is a text in a form."""
    if said is None:
        return None
    try:
        number = float(said) if isinstance(said, str | int | float) and len(str(said)) < 24 else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number <= 2:
        raise InvalidRequest("The field 'temperature' must be a number from 0 to 2.", param="temperature")
    return number


def _counts(usage: Usage | None) -> Fields | None:
    if usage is None or usage.input is None:
        return None
    heard, written = usage.media.audio_input if usage.media else 0, usage.output or 0
    return {
        "type": "tokens",
        "input_tokens": usage.input,
        "input_token_details": {"audio_tokens": heard, "text_tokens": max(usage.input - heard, 0)},
        "output_tokens": written,
        "total_tokens": usage.input + written,
    }


class Transcript:
    """All words at once, as JSON or as plain text."""

    seconds = None

    def __init__(self, kind: str) -> None:
        self.media_type = "application/json" if kind == "json" else "text/plain; charset=utf-8"
        self._kind = kind
        self._texts: list[str] = []
        self._characters = 0

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        self.take(chunk)
        return b""

    def take(self, chunk: Mapping[str, Any]) -> str:
        """Keep and return the words of a chunk."""
        text = transcript_of(chunk)
        self._texts.append(text)
        self._characters += len(text) if text.isascii() else 4 * len(text)
        return text

    def end(self, usage: Usage | None) -> bytes:
        text = self.text()
        if self._kind != "json":
            return text.encode("utf-8", "replace")
        counts = _counts(usage)
        return wire.encode({"text": text} | ({"usage": counts} if counts else {}))

    def text(self) -> str:
        return "".join(self._texts).strip()

    def written(self) -> int:
        return self._characters // 4


class Events(Transcript):
    """Words while they are heard, and all of them at the end."""

    def __init__(self) -> None:
        super().__init__("json")
        self.media_type = "text/event-stream"

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        text = self.take(chunk)
        return event_of({"type": TEXT_DELTA, "delta": text}) if text else b""

    def end(self, usage: Usage | None) -> bytes:
        counts = _counts(usage)
        return event_of({"type": TEXT_DONE, "text": self.text()} | ({"usage": counts} if counts else {}))


TRANSCRIPTS = Shape(ENDPOINT, partial(_write, translates=False))
TRANSLATIONS = Shape(ENDPOINT, partial(_write, translates=True))
