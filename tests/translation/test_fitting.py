"""What models of OpenAI are known not to take is refused by name before it is sent."""

from typing import Any

import pytest

from gateway import wire
from gateway.errors import InvalidRequest
from gateway.profiles.families import resolve
from gateway.translation.fitting import fit

REFUSED = [
    ("whisper-1", "transcriptions", {"response_format": "diarized_json"}, "json, text, srt, verbose_json, vtt"),
    ("gpt-4o-transcribe", "transcriptions", {"response_format": "srt"}, "it takes: json, text."),
    ("gpt-4o-transcribe-diarize", "transcriptions", {"response_format": "vtt"}, "json, text, diarized_json"),
    ("tts-1-hd", "speech", {"stream_format": "sse"}, "'stream_format'; it takes: audio."),
    ("tts-1", "speech", {"response_format": "ogg"}, "it takes: mp3, opus, aac, flac, wav, pcm."),
    ("gpt-4o-mini-tts", "speech", {"response_format": ["wav"]}, "does not take '['wav']' as 'response_format'"),
    ("gpt-4o-mini-tts", "speech", {"response_format": "x" * 10_000}, f"'{'x' * 40}'"),
]
TAKEN = [
    ("whisper-1", "transcriptions", {"response_format": "verbose_json"}),
    ("gpt-4o-transcribe-diarize", "transcriptions", {"response_format": "diarized_json"}),
    ("gpt-4o-mini-tts", "speech", {"response_format": "opus", "stream_format": "sse"}),
    ("tts-1", "speech", {"response_format": None}),
    ("our-deployment", "speech", {"response_format": "ogg"}),
    ("gpt-image-1", "images", {"response_format": "url"}),
    ("dall-e-3", "images", {"response_format": "b64_json"}),
    ("gpt-5", "chat", {"response_format": {"type": "json_object"}}),
]


def _members(fields: dict[str, Any]) -> wire.Members:
    return wire.members(wire.encode(fields))


@pytest.mark.parametrize(("model", "dialect", "fields", "words"), REFUSED)
def test_what_a_model_does_not_take_is_named(model: str, dialect: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fit(dialect, resolve(model, "openai"), _members(fields))
    assert words in caught.value.message
    assert (caught.value.code, caught.value.param) == ("unsupported_value", next(iter(fields)))


@pytest.mark.parametrize(("model", "dialect", "fields"), TAKEN)
def test_all_else_goes_as_it_came(model: str, dialect: str, fields: dict[str, Any]) -> None:
    sent = _members(fields)
    fit(dialect, resolve(model, "openai"), sent)
    assert sent == _members(fields)


def test_a_server_of_ones_own_may_speak_in_any_format() -> None:
    fit("speech", resolve("tts-1", "openai-compatible", "http://gpu:8000/v1"), _members({"response_format": "ogg"}))


@pytest.mark.parametrize("model", ["gpt-image-1", "gpt-image-2", "chatgpt-image-latest"])
def test_the_default_that_a_model_refuses_to_be_asked_for_is_left_out(model: str) -> None:
    sent = _members({"prompt": "a", "response_format": "b64_json"})
    fit("images", resolve(model, "openai"), sent)
    assert sent == _members({"prompt": "a"})
