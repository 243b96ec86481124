"""OpenAI's Audio: speech to text from an uploaded file, in words or subtitles, and text to speech in bytes.

Source: platform.openai.com/docs/api-reference/audio.
"""

from dataclasses import replace

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.audio_stream import SpeechRelay, TranscriptRelay, transcript_as_stream
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import ANYTHING, Endpoint
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import Media, Usage, from_transcription
from gateway.errors import InvalidRequest
from gateway.wire import Members


def check_speech(fields: Members) -> None:
    wire.require(fields, "input", str)


def _check_form(fields: Members) -> None:
    """Check nothing: the model knows best which formats and languages it has."""


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error; silence is an empty text."""
    return lenient.says(answer.get("error")) or not answer.keys() & _HEARD


def usage_of(answer: Members) -> Usage | None:
    """Return the counts of a whole answer: tokens, or the seconds that were heard."""
    return from_transcription(lenient.peek(answer, "usage"), lenient.peek(answer, "duration"))


def wants_events(fields: Members) -> bool:
    """Return whether a transcript is wanted event by event: subtitles and plain text have none."""
    streams = wire.value(fields, "response_format") in _STREAMED
    return wire.form_flag(fields, "stream") and streams


def wants_sound_events(fields: Members) -> bool:
    """Return whether speech is wanted as events. Raises `InvalidRequest` for `stream`, which it does not have."""
    if wire.flag(fields, "stream"):
        raise InvalidRequest(
            "The field 'stream' must be false or absent: sound is always sent while it is made, as bytes, or as "
            "events with 'stream_format': 'sse'.",
            param="stream",
        )
    return wire.kind(fields, "stream_format") is str and wire.value(fields, "stream_format") == "sse"


def _most_of_speech(fields: Members) -> Usage:
    """Return the most that speaking a text can use."""
    characters = len(wire.value(fields, "input"))
    return Usage(
        output=characters * _TOKENS_OF_CHARACTER,
        audio_seconds=characters / _SLOWEST_CHARACTERS,
        media=Media(characters=characters),
    )


def _with_characters(usage: Usage, fields: Members) -> Usage:
    """Return counts with the characters that were spoken, by which some models are paid.

    Sound itself tells no counts: its tokens are estimated by how long the text takes to say.
    """
    text = wire.value(fields, "input")
    media = msgspec.structs.replace(usage.media or Media(), characters=len(text))
    if usage.output is None and usage.source == "estimated":
        narrow = len(text.encode("ascii", "ignore"))
        seconds = narrow / _NARROW_A_SECOND + (len(text) - narrow) / _WIDE_A_SECOND
        output = round(seconds * _TOKENS_A_SECOND)
        media = msgspec.structs.replace(media, audio_output=output)
        usage = msgspec.structs.replace(usage, output=output)
    return msgspec.structs.replace(usage, media=media)


def _transcript(model: str, request: Members) -> NativeRelay:
    return TranscriptRelay(model)


def _sound(model: str, request: Members) -> NativeRelay:
    return SpeechRelay(model)


_STREAMED = (None, "", "json", "diarized_json")
"""Formats of transcripts that may come event by event."""
_TOKENS_OF_CHARACTER, _SLOWEST_CHARACTERS = 6, 3
"""Of sound: the most tokens of a character, the fewest characters of a second."""
_NARROW_A_SECOND, _WIDE_A_SECOND, _TOKENS_A_SECOND = 15, 6, 21
"""Of speech, about: characters of alphabets, others, tokens (openai.com/api/pricing: 0.015 USD a minute)."""
_HEARD = frozenset(("text", "segments"))
CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
HEARD = UpstreamDialect(chat.is_error, failure, usage_of, _transcript, as_stream=transcript_as_stream)
TRANSCRIPTIONS = Endpoint(
    "transcriptions",
    "/audio/transcriptions",
    ("transcription",),
    _check_form,
    CLIENT,
    HEARD,
    prompt=(),
    body="multipart",
    files=("file",),
    wants_stream=wants_events,
    task="transcription",
    names_model=False,
    accept=ANYTHING,
)
TRANSLATIONS = replace(TRANSCRIPTIONS, path="/audio/translations", optional=True, streams=False, wants_stream=None)
SPEECH = Endpoint(
    "speech",
    "/audio/speech",
    ("speech",),
    check_speech,
    CLIENT,
    UpstreamDialect(chat.is_error, failure, usage_of, _sound),
    prompt=("input", "instructions"),
    wants_stream=wants_sound_events,
    task="speech",
    names_model=False,
    accept=ANYTHING,
    most=_most_of_speech,
    told=_with_characters,
)
