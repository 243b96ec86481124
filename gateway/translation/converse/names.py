"""Words of Converse and what they mean in the canonical form."""

from collections.abc import Mapping

from gateway.translation.answer import EndReason

DIALECT = "converse"

ENDS: Mapping[object, EndReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
STOP_SEQUENCE = "/stop_sequence"
"""Where Claude's own answer tells the stop sequence that ended it; asked for, as Converse leaves it out."""

IMAGE_FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
IMAGE_BEGINNINGS = {"iVBOR": "png", "/9j/": "jpeg", "R0lGO": "gif", "UklGR": "webp"}
"""Formats of images by the beginning of their base64."""
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCUMENT_FORMATS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/markdown": "md",
    "text/x-markdown": "md",
    "application/json": "txt",
    "application/xml": "txt",
    "application/yaml": "txt",
}
"""Formats of documents by their media types; any other text is `txt`."""
AUDIO_FORMATS = frozenset(("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "m4a", "mpeg", "mpga", "webm"))

CACHES: Mapping[str | None, frozenset[str]] = {
    "claude": frozenset(("tools", "system", "messages")),
    "nova": frozenset(("system", "messages")),
}
"""Where the prompt cache of a family can be marked (docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html);
other models refuse marks."""
LASTING = frozenset(("claude",))
"""Families whose marks may say how long."""
MOST_CACHE_POINTS = 4

CARRIED = frozenset(("guardrailConfig", "requestMetadata", "performanceConfig"))
"""Members of Converse that clients of other dialects may send as they are."""
IMAGE_TYPES = {name: media_type for media_type, name in IMAGE_FORMATS.items() if media_type != "image/jpg"}
