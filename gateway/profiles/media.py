"""What models of images, speech and transcription accept: data with its source."""

from gateway.profiles.family import Family
from gateway.profiles.family import row_of as _row

_IMAGES = "platform.openai.com/docs/api-reference/images/create: response_format is for dall-e only"
_SPEECH = "platform.openai.com/docs/api-reference/audio/createSpeech"
_TRANSCRIPTS = "platform.openai.com/docs/api-reference/audio/createTranscription"
SPEECH_FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
TEXTS = ("json", "text")
SUBTITLED = ("json", "text", "srt", "verbose_json", "vtt")

MEDIA: tuple[Family, ...] = (
    _row("gpt", _IMAGES, "image", defaults={"images": {"response_format": "b64_json"}}),
    _row("gpt", _SPEECH, "tts", choices={"speech": {"response_format": SPEECH_FORMATS}}),
    _row("gpt", _TRANSCRIPTS, "transcribe", choices={"transcriptions": {"response_format": TEXTS}}),
    _row(
        "gpt",
        _TRANSCRIPTS,
        "diarize",
        choices={"transcriptions": {"response_format": (*TEXTS, "diarized_json")}},
    ),
)
