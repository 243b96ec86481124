"""Gemini where it draws, speaks or listens: refuses what Google refuses, and answers as Google does.

Source: ai.google.dev/gemini-api/docs: image generation, speech generation, audio. No recording stands behind it.
"""

import base64
import struct
import zlib
from typing import Any

Fields = dict[str, Any]


def _chunk_of_png(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk_of_png(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk_of_png(b"IDAT", zlib.compress(b"\0\x20\x40\x60"))
    + _chunk_of_png(b"IEND", b"")
)
"""One pixel."""
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
SOUNDS = tuple(f"audio/{kind}" for kind in ("wav", "mpeg", "mp3", "aiff", "aac", "ogg", "flac", "mp4", "m4a", "webm"))
VOICES = ("Kore", "Puck", "Zephyr", "Charon", "Fenrir", "Leda", "Orus", "Aoede", "Sulafat", "Achird", "Algieba")
PCM = bytes(range(256)) * 100
BLOCKED = "something forbidden"
USAGE: Fields = {
    "promptTokenCount": 270,
    "candidatesTokenCount": 1120,
    "totalTokenCount": 1390,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 258}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
}


def refusal(model: str, body: Fields) -> str:
    """Return why Google would refuse a request; empty where it would not."""
    config = body.get("generationConfig", {})
    asked = [part["inlineData"] for part in _parts(body) if "inlineData" in part]
    if any(content.get("role") != "user" for content in body["contents"]):
        return "Please use a valid role: user, model."
    for each in asked:
        if not base64.b64decode(each["data"], validate=True):
            return "Unable to process input image. Please retry or report."
    if "image" in model:
        return _of_images(model, config, [each["mimeType"] for each in asked])
    if "tts" in model:
        return _of_speech(config)
    own = "transcribe" in model
    if own is not ("audioTranscriptionConfig" in config) or own is any("text" in part for part in _parts(body)):
        return "Audio transcription is not enabled for this model."
    wrong = [each["mimeType"] for each in asked if each["mimeType"] not in SOUNDS]
    return f"Unsupported MIME type: {wrong[0]}" if wrong or not asked else ""


def _of_images(model: str, config: Fields, media_types: list[str]) -> str:
    image = config.get("imageConfig", {})
    if config.get("responseModalities") != ["IMAGE"] or "candidateCount" in config:
        return "Multiple candidates is not enabled for this model."
    if wrong := [each for each in media_types if each not in PICTURES]:
        return f"Unsupported MIME type: {wrong[0]}"
    if image.get("aspectRatio", "1:1") not in RATIOS:
        return "aspectRatio must be one of " + ", ".join(RATIOS)
    if "imageSize" in image and ("2.5" in model or image["imageSize"] not in ("1K", "2K", "4K")):
        return "imageSize is not supported."
    return ""


def _of_speech(config: Fields) -> str:
    voice = config.get("speechConfig", {}).get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName")
    if config.get("responseModalities") != ["AUDIO"]:
        return "The requested combination of response modalities (TEXT) is not supported by the model."
    if voice not in (None, *VOICES):
        return f"Voice name {voice} is not supported. Allowed voice names are: {', '.join(VOICES).lower()}"
    return ""


def answer(model: str, body: Fields) -> list[Fields]:
    """Return the chunks of an answer."""
    text = " ".join(part.get("text", "") for part in _parts(body)).strip() or "spoken"
    if BLOCKED in text:
        return [{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}]
    if "tts" in model:
        return list(_speech())
    if "image" in model:
        return [_drawn(text)]
    pieces = [text if text == "spoken" else text[-3:], " heard"]
    return [_chunk([{"text": piece}], last=piece is pieces[-1], usage=_HEARD) for piece in pieces]


_HEARD: Fields = {
    "promptTokenCount": 60,
    "candidatesTokenCount": 7,
    "totalTokenCount": 67,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 50}],
}
_SPOKEN: Fields = {
    "promptTokenCount": 5,
    "candidatesTokenCount": 25,
    "totalTokenCount": 30,
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 25}],
}


def _drawn(text: str) -> Fields:
    if "in words" in text:
        return _chunk([{"text": "What should I draw?"}])
    if "unsafe" in text:
        return {"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}], "usageMetadata": USAGE}
    if "nothing" in text:
        return {"candidates": [{"finishReason": "IMAGE_OTHER", "index": 0}], "usageMetadata": USAGE}
    draft = {"inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}, "thought": True}
    image = {"mimeType": "image/png", "data": base64.b64encode(PICTURE).decode()}
    return _chunk([draft, {"text": "Here it is."}, {"inlineData": image, "thoughtSignature": "c2VhbA=="}])


def _speech() -> Any:
    size = len(PCM) // 2 + 1  # in the middle of a sample
    for at in range(0, len(PCM), size):
        data = base64.b64encode(PCM[at : at + size]).decode()
        part = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": data}}
        yield _chunk([part], last=at + size >= len(PCM), usage=_SPOKEN)


def _chunk(parts: list[Fields], *, last: bool = True, usage: Fields = USAGE) -> Fields:
    end = {"finishReason": "STOP"} if last else {}
    candidate: Fields = {"content": {"parts": parts, "role": "model"}, "index": 0, **end}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


def is_media(model: str, body: Fields) -> bool:
    """Return whether a model draws, speaks or listens."""
    listens = any("audio/" in part.get("inlineData", {}).get("mimeType", "") for part in _parts(body))
    return listens or any(word in model for word in ("image", "tts", "transcribe"))


def _parts(body: Fields) -> list[Fields]:
    return [part for content in body["contents"] for part in content["parts"]]
