"""OpenAI's Audio: speech to text from an uploaded file, in words or subtitles, and text to speech in bytes.

Source: platform.openai.com/docs/api-reference/audio.
"""

from dataclasses import replace

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import ANYTHING, Endpoint
from gateway.dialects.usage import Usage, from_transcription
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


_HEARD = frozenset(("text", "segments"))
CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
HEARD = UpstreamDialect(chat.is_error, failure, usage_of, chat.relay)
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
    streams=False,
    task="transcription",
    names_model=False,
    accept=ANYTHING,
)
TRANSLATIONS = replace(TRANSCRIPTIONS, path="/audio/translations", optional=True)
SPEECH = Endpoint(
    "speech",
    "/audio/speech",
    ("speech",),
    check_speech,
    CLIENT,
    HEARD,
    prompt=("input", "instructions"),
    streams=False,
    task="speech",
    names_model=False,
    accept=ANYTHING,
)
